// Package pipeline measures the provisioning pipeline in virtual time: package bubble runs it, and a simulated tenant
// answers it. An hour of waiting for Graph costs a moment, and what comes out says something about the pipeline, not
// about the machine. Calls take no time unless it is said here.
//
// # Bulk
//
// New people get an account, and a licence that a group gives, in a tenant of package entratest with the documented
// limits and normal lag, through msgraph. Counted are those who end ready, with the licence active and one account each:
// the run fails otherwise.
//
// Graph lets 3,000 writes through at once after a quiet time, and 20 a second in the long run. To measure the long run,
// the application makes 3,000 writes before the clock starts, ours and the naive loop alike; the pacer of ours is told.
// The rate is that of the middle four fifths: from when a tenth of the people are ready until nine tenths are. What is
// left out is the beginning, where a drained bucket has to fill up to the reserve (37.5 seconds) and the first accounts
// ripen, and the end, where nothing is left to be written and the last accounts settle. [Bulk.All] is the rate with both.
//
// The settings are those of a program that has the application to itself: Pace{Share: 1, Size: TenantLarge}, all else
// at its default.
//
// The naive loop is what guides publish: for each person create the account, assign the licence to it, add it to a group;
// when Graph answers 429, wait as long as it says and repeat. It is let off lightly: its tenant has no lag, because a
// single replica that trails behind would stop the loop, and with calls that take no time one thread is enough.
//
// The ceiling follows from the documented limit: 20 writes a second, and a person costs one creation and a twentieth of
// a write that adds twenty members.
//
// # Sign-in during bulk
//
// People sign in for the first time at random moments, four in three seconds, while a bulk takes all writes that it may;
// and the same people at the same moments in the same tenant without the bulk. Both use one Provisioner, hence one pacer
// and one application, which has the same licence for everybody. The quantiles of how long they wait are compared.
//
// # Ready after lag
//
// A directory of this package shows a new account on every replica, the one of the sign-in service included, exactly so
// many seconds after it was created; a call takes 30 to 150 milliseconds. Measured is how much later Ensure returns.
//
// The result is that of a host that measures: one that counts how often Entra's sign-in service refuses a fresh account
// (AADSTS51004), found that it never trails behind the replicas, and so turns the dwell off: Settle{Dwell: -1}.
// Under the default settings nobody is ready before the dwell of 15 seconds is over, because
// the replicas that Graph reads from are no proof of those that the sign-in service reads from; these, and a fixed wait
// of 15 seconds, are in the table for comparison.
//
// # Stream
//
// A hundred times as many people go through EnsureAll with a pace that never holds it back, so that the concurrency and
// the window are always full. The heap is what is alive after a garbage collection, at its highest of twenty times. The
// directory and the store of this package keep two bytes for each person, so that what is measured is the pipeline.
package pipeline
