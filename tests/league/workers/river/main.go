// River's side of the league: `river migrate|work|schedule DSN [MAX_WORKERS]`.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type deliver struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

func (deliver) Kind() string { return "deliver" }

type worker struct {
	river.WorkerDefaults[deliver]
	client *http.Client
}

func (w *worker) Work(ctx context.Context, job *river.Job[deliver]) error {
	body, _ := json.Marshal(map[string]string{"id": job.Args.ID})
	request, err := http.NewRequestWithContext(ctx, "POST", job.Args.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Args[2])
	check(err)
	driver := riverpgxv5.New(pool)
	switch os.Args[1] {
	case "migrate":
		migrator, err := rivermigrate.New(driver, nil)
		check(err)
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		check(err)
	case "schedule":
		client, err := river.NewClient(driver, &river.Config{})
		check(err)
		schedule(ctx, client)
	case "work":
		maxWorkers, err := strconv.Atoi(os.Args[3])
		check(err)
		work(ctx, driver, maxWorkers)
	}
}

func work(ctx context.Context, driver *riverpgxv5.Driver, maxWorkers int) {
	transport := &http.Transport{MaxIdleConnsPerHost: maxWorkers}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{client: &http.Client{Transport: transport}})
	client, err := river.NewClient(driver, &river.Config{
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: maxWorkers}},
		Workers:              workers,
		JobTimeout:           10 * time.Second,
		RescueStuckJobsAfter: 20 * time.Second,
	})
	check(err)
	check(client.Start(ctx))
	fmt.Println("ready")
	ended, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	<-ended.Done()
	check(client.Stop(ctx))
}

func schedule(ctx context.Context, client *river.Client[pgx.Tx]) {
	lines := bufio.NewScanner(os.Stdin)
	var batch []river.InsertManyParams
	insert := func() {
		if len(batch) > 0 {
			_, err := client.InsertManyFast(ctx, batch)
			check(err)
			batch = batch[:0]
		}
	}
	for lines.Scan() {
		var job struct {
			deliver
			Due float64 `json:"due"`
		}
		check(json.Unmarshal(lines.Bytes(), &job))
		due := time.UnixMicro(int64(job.Due * 1e6))
		options := &river.InsertOpts{ScheduledAt: due}
		batch = append(batch, river.InsertManyParams{Args: job.deliver, InsertOpts: options})
		if len(batch) == 1000 {
			insert()
		}
	}
	insert()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
