"""The comparison that runs the documents' examples finds what is wrong in a shown answer."""

import pytest

from tests.e2e.answers import differences
from tests.e2e.examples import curls_anywhere, examples, to_run

ID = "01a2033e-7de6-707e-acd8-e1402052fc24"
OTHER_ID = "01a20371-cfce-79c9-b769-72234af3baec"


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        (f'{{"id":"{ID}","n":1}}', f'{{"id":"{OTHER_ID}","n":2.5}}'),
        ('{"at":"2026-11-22T12:32:36.838426Z"}', '{"at":"2027-01-01T00:00:00Z"}'),
        ('{"a":1, … }', '{"a":1,"b":2}'),
        ('{"a":1, …\n "c":{"d":[1, … ]}, … "f":[]}', '{"a":1,"b":2,"c":{"d":[1,2]},"f":[]}'),
        ('{"cursor":"WyIy…"}', '{"cursor":"WyIyMDI2"}'),
        ('{"secret":"whsec_…","id":"…"}', '{"secret":"whsec_bqUdrdzIZT9mtDGFUOW/v79=","id":"7"}'),
        ('{"why":"one\n   sentence … long"}', '{"why":"one sentence that is long"}'),
        ('{"data":[{"a":1}, … ]}', '{"data":[{"a":1}]}'),
        (
            "HTTP/1.1 202 Accepted\nx: y\n…\n{…}",
            'HTTP/1.1 202 Accepted\r\nz: 1\r\nx: y\r\n\r\n{"a":1}',
        ),
        ("HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("# TYPE x counter\n…\nx_total 5.0", "# TYPE x counter\ny 1\nx_total 7.0"),
        ('{"url":"http://localhost:9000/a"}', '{"url":"http://127.0.0.1:43211/a"}'),
    ],
)
def test_an_answer_of_the_same_kind_is_as_shown(shown: str, answer: str) -> None:
    assert differences(shown, answer) == []


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ('{"a":1}', '{"a":1,"b":2}'),
        ('{"a":1,"b":2}', '{"a":1}'),
        ('{"a":1,"b":2, … }', '{"a":1,"c":2}'),
        ('{"a":{"b":1}}', '{"a":{"b":1,"c":2}}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":null}', '{"a":1}'),
        ('{"a":1}', '{"a":true}'),
        ('{"a":false}', '{"a":true}'),
        ('{"status":"pending"}', '{"status":"success"}'),
        (f'{{"id":"{ID}"}}', '{"id":"17"}'),
        ('{"at":"2026-11-22T12:32:36Z"}', '{"at":"yesterday"}'),
        ('{"cursor":"WyIy…"}', '{"cursor":"other"}'),
        ('{"data":[{"a":1}]}', '{"data":[{"a":1},{"a":2}]}'),
        ('{"data":[{"a":1}, … ]}', '{"data":[]}'),
        ('{"data":[{"a":1}, … ]}', '{"data":[{"b":1}]}'),
        ("HTTP/1.1 202 Accepted", "HTTP/1.1 200 OK\r\n\r\n"),
        ("HTTP/1.1 202 Accepted\nx: y", "HTTP/1.1 202 Accepted\r\nx: z\r\n\r\n"),
        ("HTTP/1.1 204 No Content", 'HTTP/1.1 204 No Content\r\n\r\n{"a":1}'),
        ("x_total 5.0", "y_total 5.0"),
        ("", '{"a":1}'),
    ],
)
def test_an_answer_that_is_not_as_shown_is_found(shown: str, answer: str) -> None:
    assert differences(shown, answer)


PAGE = """Text.

```console
$ make up   # no curl
Up.
$ who() { echo "$WHOM"; }
$ WHOM=me
$ WHO=$(who)
$ OTHER=1
$ curl -s $URL/$WHO -d '{
    "a": "it is"}'   # 201
{"a":"$ 1"}

$ curl -si $URL \\
    -H "X: y"
HTTP/1.1 304 Not Modified
```
"""


def test_the_commands_of_a_page_are_found_with_their_answers() -> None:
    make, function, whom, who, _, post, get = examples("page", PAGE)
    assert (make.command, make.shown, make.is_curl) == ("make up   # no curl", "Up.", False)
    assert post.command == 'curl -s $URL/$WHO -d \'{\n    "a": "it is"}\'   # 201'
    assert (post.shown, post.status, post.only_reads) == ('{"a":"$ 1"}', 201, False)
    assert (get.status, get.only_reads, get.place) == (304, True, "page:14")
    assert to_run("page", PAGE) == [function, whom, who, post, get]
    assert curls_anywhere(PAGE) == 2
