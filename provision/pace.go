package provision

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Pace is how much of what the directory allows is used. Graph counts, for each application in each tenant, with token
// buckets: https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits. Two of its limits
// bind one application in one tenant, and these are kept:
//
//   - 3,000 writes in 150 seconds: 20 a second, and up to 3,000 at once after a quiet time
//   - 3,500, 5,000 or 8,000 resource units in 10 seconds, by the size of the tenant
//
// The others leave more room and are left out: one application may use half of the tenant's 18,000 writes in 5 minutes,
// which is 30 a second; the limits of an application over all tenants are for those that serve many. A 429 or a reported
// load is obeyed whatever it is about.
//
// All who share a [Pacer] need the same Pace.
type Pace struct {
	// Share is how much of each limit is used, at once and in the long run. 0: 0.85, because other programs under the
	// same application count as well. 1 is for a program that has the application to itself. At most 1.
	Share float64

	// Reserve is the share of each bucket that is kept for calls with PriorityHigh: a person who signs in does not wait
	// behind bulk work. It costs bulk work nothing in the long run, because a bucket that is kept partly full fills no
	// slower. 0: 0.25, which is also more than the fifth below which Graph refuses low priorities. Negative: none. Less
	// than 1.
	Reserve float64

	// Size is the tenant's, which decides the limit of resource units. Empty: TenantSmall, the lowest.
	Size TenantSize

	// WritesPerSecond and WriteBurst replace the limit of writes, of which no share is taken then: the sustained rate,
	// and how many may come at once after a quiet time. 0: by Share, 17 and 2,550.
	WritesPerSecond float64
	WriteBurst      int

	// UnitsPerSecond and UnitBurst do the same for resource units. 0: by Share and Size, 297.5 and 2,975.
	UnitsPerSecond float64
	UnitBurst      int
}

// TenantSize is the size by which Graph limits resource units.
type TenantSize string

// The sizes.
const (
	TenantSmall  TenantSize = "S" // fewer than 50 users: 3,500 resource units in 10 seconds
	TenantMedium TenantSize = "M" // 50 to 500 users: 5,000
	TenantLarge  TenantSize = "L" // more than 500 users: 8,000
)

// What Graph allows one application in one tenant.
const (
	allowedWrites = 3_000
	writeWindow   = 150 * time.Second
	unitWindow    = 10 * time.Second
)

// The defaults of Pace.
const (
	defaultShare   = 0.85
	defaultReserve = 0.25
)

// leastRate and mostRate bound the rates, so that no time overflows.
const (
	leastRate = 1.0 / (24 * 60 * 60) // one a day
	mostRate  = 1e6
	mostBurst = 1_000_000
)

// allowedUnits is how many resource units a tenant of the size allows in unitWindow; 0 if there is no such size.
func (s TenantSize) allowedUnits() float64 {
	switch s {
	case "", TenantSmall:
		return 3_500
	case TenantMedium:
		return 5_000
	case TenantLarge:
		return 8_000
	}
	return 0
}

// Validate lists all that is wrong with the pace.
func (p Pace) Validate() error {
	var problems []error
	if !(p.Share >= 0 && p.Share <= 1) {
		problems = append(problems, fmt.Errorf("Pace.Share %v is not a share from 0 to 1", p.Share))
	}
	if !(p.Reserve < 1) || math.IsInf(p.Reserve, 0) {
		problems = append(problems, fmt.Errorf("Pace.Reserve %v is not a share below 1", p.Reserve))
	}
	if p.Size.allowedUnits() == 0 {
		problems = append(problems, fmt.Errorf("Pace.Size %.20q is not one of TenantSmall, TenantMedium and TenantLarge",
			p.Size))
	}
	return errors.Join(append(problems,
		validRate("Pace.WritesPerSecond", p.WritesPerSecond), validBurst("Pace.WriteBurst", p.WriteBurst),
		validRate("Pace.UnitsPerSecond", p.UnitsPerSecond), validBurst("Pace.UnitBurst", p.UnitBurst))...)
}

func validRate(name string, rate float64) error {
	if rate != 0 && !(rate >= leastRate && rate <= mostRate) {
		return fmt.Errorf("%s %v is not a rate from one a day to %v a second", name, rate, mostRate)
	}
	return nil
}

func validBurst(name string, burst int) error {
	if burst < 0 || burst > mostBurst {
		return fmt.Errorf("%s %d is not a number from 1 to %d", name, burst, mostBurst)
	}
	return nil
}

// buckets are the two limits with the defaults put in.
func (p Pace) buckets() (writes, units bucket) {
	share, reserve := p.Share, p.Reserve
	if share == 0 {
		share = defaultShare
	}
	if reserve == 0 {
		reserve = defaultReserve
	}
	reserve = max(0, reserve)
	writes = newBucket(share*allowedWrites, writeWindow, p.WritesPerSecond, p.WriteBurst, reserve)
	units = newBucket(share*p.Size.allowedUnits(), unitWindow, p.UnitsPerSecond, p.UnitBurst, reserve)
	return writes, units
}

// bucket is one limit: how much may be taken at once from a full bucket, how fast it fills again, and how much of it is
// kept for high priority.
type bucket struct {
	size     float64
	rate     float64 // per second
	reserved float64
}

// newBucket makes the bucket of what is allowed in a window, of which rate and burst replace what they say.
func newBucket(allowed float64, window time.Duration, rate float64, burst int, reserve float64) bucket {
	b := bucket{size: allowed, rate: allowed / window.Seconds()}
	if rate != 0 {
		b.rate = rate
	}
	if burst != 0 {
		b.size = float64(burst)
	}
	b.size = max(1, b.size)
	b.rate = max(leastRate, b.rate)
	b.reserved = reserve * b.size
	return b
}

// longest is the longest time that is reckoned with: 31 years, so that sums of a few do not overflow.
const longest = 1e9 * time.Second

// filling is how long n take to come back into the bucket.
func (b bucket) filling(n float64) time.Duration {
	return time.Duration(min(max(0, n)/b.rate*float64(time.Second), float64(longest)))
}

// wait is how long it takes until n are there for a call of the priority. full is when the bucket would be full if
// nobody took anything more. More than the bucket holds is there when it is full.
func (b bucket) wait(full, now time.Time, n int, priority Priority) time.Duration {
	if n <= 0 {
		return 0
	}
	usable := b.size
	if priority != PriorityHigh {
		usable -= b.reserved
	}
	empty := later(full, now).Add(-b.filling(max(usable, float64(n))))
	return max(0, empty.Add(b.filling(float64(n))).Sub(now))
}

// take is when the bucket is full after n were taken.
func (b bucket) take(full, now time.Time, n int) time.Time {
	if n <= 0 {
		return full
	}
	return later(full, now).Add(b.filling(float64(n)))
}

// giveBack is when the bucket is full after n that were taken came back. A full one gets no fuller.
func (b bucket) giveBack(full, now time.Time, n int) time.Time {
	if !full.After(now) {
		return full
	}
	return full.Add(-b.filling(float64(n)))
}

// learn is when the bucket is full after a call that took n was refused because of it, or came with a load.
func (b bucket) learn(full, now, held time.Time, report TurnReport, n int) time.Time {
	if report.Throttled {
		full = later(full, held.Add(b.filling(b.size-float64(n))))
	}
	if load := report.load(); load > 0 {
		full = later(full, now.Add(b.filling(load*b.size)))
	}
	return full
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
