"""How a trigger's endpoint fares: noted in the statement that writes outcomes, so they agree.

A success clears `failing_since`, a failure sets it if it is not set: both only when that changes
anything, so a steady endpoint costs one look at its trigger a batch. Notes are in the order in
which outcomes are written; a batch with both counts as a success.
"""

# Steps of the outcome statement. The first stands before `done`: events are held only while their
# trigger is disabled; the lock has a resume come before, and they are not, or after, and it finds
# them.
DISABLED_NOW = """
    disabled_now AS (
        SELECT t.id FROM triggers t
         WHERE t.status = 'disabled'
           AND t.id IN (SELECT o.trigger_id FROM o WHERE o.status = 'held')
         ORDER BY t.id
           FOR SHARE)
"""

_IS_OVER = """
    t.status = 'active'
    AND (tried.is_gone
         OR (tried.is_exhausted AND NOT tried.is_successful
             AND t.failing_since <= :failing_before))
"""

# An event that may still succeed disables nothing, however long its trigger has failed.
NOTE_HEALTH = f"""
    tried AS (
        SELECT trigger_id, revision_id, bool_or(status = 'success') AS is_successful,
               bool_or(status = 'failure') AS is_exhausted, bool_or(is_gone) AS is_gone
          FROM done
         WHERE trigger_id IS NOT NULL AND duration_ms IS NOT NULL  -- it was attempted
         GROUP BY trigger_id, revision_id
         ORDER BY trigger_id),
    noted AS (
        UPDATE triggers t
           SET failing_since = CASE WHEN NOT tried.is_successful
                                    THEN coalesce(t.failing_since, :now) END,
               status = CASE WHEN {_IS_OVER} THEN 'disabled' ELSE t.status END,
               disabled_at = CASE WHEN {_IS_OVER} THEN :now ELSE t.disabled_at END,
               disabled_reason = CASE WHEN NOT coalesce({_IS_OVER}, false)
                                      THEN t.disabled_reason
                                      WHEN tried.is_gone THEN 'gone' ELSE 'failing' END,
               updated_at = CASE WHEN {_IS_OVER} THEN :now ELSE t.updated_at END
          FROM tried
         WHERE t.id = tried.trigger_id AND t.revision_id = tried.revision_id
           AND (tried.is_successful = (t.failing_since IS NOT NULL) OR ({_IS_OVER}))
        RETURNING t.id, t.project_id, t.failing_since, t.disabled_reason,
                  t.disabled_at = :now AS is_disabled),
    told AS (
        INSERT INTO operational_events (project_id, trigger_id, at, reason, failing_since)
        SELECT project_id, id, :now, disabled_reason, coalesce(failing_since, :now)
          FROM noted WHERE is_disabled
        ON CONFLICT DO NOTHING)
"""
