// Package river does the work of package provision as jobs of River (https://riverqueue.com), a queue in PostgreSQL: for
// work that must outlive the process that asked for it, and that several processes share.
//
//	workers := river.NewWorkers()
//	err := jobs.AddWorkers(workers, jobs.Config{People: people})
//	config := &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{jobs.Queue: {MaxWorkers: 200}}}
//	jobs.Config{People: people}.Configure(config)
//	client, err := river.NewClient(riverpgxv5.New(pool), config)
//	err = client.Start(ctx)
//
//	// Anywhere, also in the transaction of whatever made it necessary:
//	client.Insert(ctx, jobs.EnsureArgs{Connection: "hr", ID: "4711", Email: email}, nil)
//	client.Insert(ctx, jobs.RetireArgs{Connection: "hr", ID: "4711"}, nil)
//
// where jobs is this package and river is github.com/riverqueue/river. It is a module of its own, so that only those who
// use River depend on it.
//
// # What a job is
//
// [EnsureArgs], [RetireArgs] and [ReconcileArgs] are the three kinds. There is one job of a kind for one person at a time:
// inserting it again while it waits, runs or is to be tried again inserts nothing, and says so in the result.
//
// What cannot succeed without somebody changing something (a person whom Entra refuses, a conflict, somebody who left)
// cancels the job. What the directory asks to wait for (throttling, replication) puts it aside for that long without
// counting as an attempt. Everything else is tried again as River does it, with growing delays, up to 25 times over about
// three weeks. The outcome is recorded as the job's output and its errors, where River's own user interface shows them.
//
// # Several processes
//
// All processes use one database. The Provisioner of each has a [provision.Store] in it
// ([github.com/entrafed/entrafed/provision/sqlstore]), whose leases keep two processes from working on one person, and a
// pacer in it, so that together they keep within what the tenant allows.
//
// A process that is killed leaves its jobs marked as running. River gives them to another one after
// [Config].Timeout; nothing is done twice, because every step looks at what was done before.
//
// # What is in the database
//
// The arguments of a job are what the host knows of a person, in clear, until River removes the finished job: after 24
// hours, or 7 days where it was cancelled or given up. There is no password, token or key among them.
package river
