package entratest

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Throttle says how much applications may ask of Graph. The zero value is on, with the limits of
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits; a limit that is exceeded is
// answered with 429.
//
// Every request costs resource units and, if it changes something, one write; a batch costs what its requests cost. The
// costs go into buckets that drain steadily, each as much in its window as it holds:
//
//	application in the tenant   3,500 resource units in 10 seconds (5,000 from 50 users, 8,000 above 500 users)
//	                            3,000 writes in 150 seconds
//	application                 150,000 resource units in 20 seconds; 35,000 writes in 5 minutes
//	tenant                      18,000 writes in 5 minutes
//
// The limit of 2,000 requests a second for all of Graph is left out: with a clock that stands, all requests of a test
// fall into one second.
//
// A request that is refused counts as well. A bucket that is more than 80 % full is reported in the header
// x-ms-throttle-limit-percentage, and refuses requests with "x-ms-throttle-priority: low".
type Throttle struct {
	// Off takes all limits away.
	Off bool

	// Scale multiplies every limit, for tests that want to be throttled, or not to be, with few requests. Zero: 1.
	Scale float64

	// Size fixes the tenant's size, whatever number of users it has. Empty: by the number of users.
	Size TenantSize

	// GenerousWrites allows an application 70,000 writes in 5 minutes, as Microsoft's page says, instead of the 35,000
	// that newer sources report.
	GenerousWrites bool

	// OmitRetryAfter leaves Retry-After out of the answers with 429, as has been reported
	// (microsoftgraph/microsoft-graph-docs-contrib#8469).
	OmitRetryAfter bool
}

// TenantSize is the size by which Graph sets the limit of resource units.
type TenantSize string

// The sizes.
const (
	TenantSmall  TenantSize = "S" // fewer than 50 users
	TenantMedium TenantSize = "M" // 50 to 500 users
	TenantLarge  TenantSize = "L" // more than 500 users
)

func (th Throttle) validate() error {
	var errs []error
	if th.Scale < 0 || math.IsNaN(th.Scale) || math.IsInf(th.Scale, 0) {
		errs = append(errs, fmt.Errorf("Throttle.Scale %v is not a positive number: use Off to be without limits", th.Scale))
	}
	switch th.Size {
	case "", TenantSmall, TenantMedium, TenantLarge:
	default:
		errs = append(errs, fmt.Errorf("Throttle.Size %q is not one of TenantSmall, TenantMedium and TenantLarge", th.Size))
	}
	return errors.Join(errs...)
}

// size is the size that a tenant with so many users has.
func (th Throttle) size(users int) TenantSize {
	switch {
	case th.Size != "":
		return th.Size
	case users < 50:
		return TenantSmall
	case users <= 500:
		return TenantMedium
	}
	return TenantLarge
}

const (
	shedAbove = 0.8 // how full a bucket is when it begins to refuse low priority, and to be reported
	brimful   = 1.8 // how full a bucket gets at most
)

// limit is how much of something a scope may use in a window, and how much of it a request does.
type limit struct {
	scope       string // of x-ms-throttle-scope
	kind        string // "Write", or "ReadWrite" for all requests
	information string // of x-ms-throttle-information
	capacity    float64
	window      time.Duration
	cost        float64
}

// limits lists those that a request counts towards, the narrowest first. The caller holds t.mu.
func (t *Tenant) limits(req *graphRequest) []limit {
	const resource, write = "ResourceUnitLimitExceeded", "WriteLimitExceeded"
	units := float64(req.resourceUnits())
	perTenant := map[TenantSize]float64{TenantSmall: 3_500, TenantMedium: 5_000, TenantLarge: 8_000}
	writes := 35_000.0
	if t.cfg.Throttle.GenerousWrites {
		writes = 70_000
	}
	size := t.cfg.Throttle.size(t.directory.users)
	out := []limit{{"Tenant_Application", "ReadWrite", resource, perTenant[size], 10 * time.Second, units}}
	if req.Method != http.MethodGet {
		out = append(out,
			limit{"Tenant_Application", "Write", write, 3_000, 150 * time.Second, 1},
			limit{"Application", "Write", write, writes, 5 * time.Minute, 1},
			limit{"Tenant", "Write", write, 18_000, 5 * time.Minute, 1})
	}
	out = append(out, limit{"Application", "ReadWrite", resource, 150_000, 20 * time.Second, units})
	for i := range out {
		out[i].capacity *= t.cfg.Throttle.Scale
	}
	return out
}

// bucket is what has been used of a limit: it fills with costs and drains steadily.
type bucket struct {
	level   float64
	drained time.Time
}

// bucket returns the bucket of a limit for a caller, drained until now; it begins empty. The caller holds t.mu.
func (t *Tenant) bucket(l limit, app string) *bucket {
	if l.scope == "Tenant" {
		app = "" // whoever it is
	}
	key, now := strings.Join([]string{l.scope, l.kind, l.information, app}, "/"), t.now()
	b := t.buckets[key]
	if b == nil {
		b = &bucket{drained: now}
		t.buckets[key] = b
	}
	if passed := now.Sub(b.drained); passed > 0 {
		b.level = max(0, b.level-l.capacity*passed.Seconds()/l.window.Seconds())
		b.drained = now
	}
	return b
}

// wait is how long it takes the bucket to drain until the cost fits below a share of the capacity. Whatever comes to an
// empty bucket fits.
func (b *bucket) wait(l limit, share float64) time.Duration {
	over := min(b.level, b.level+l.cost-l.capacity*share)
	return time.Duration(max(0, over) / l.capacity * float64(l.window))
}

// throttle charges the request to the buckets of its caller, and refuses it if one of them is too full. The charge stands
// in any case: usage goes on counting while an application is throttled.
func (req *graphRequest) throttle() *graphError {
	t := req.tenant
	if t.cfg.Throttle.Off || req.isBatch() {
		return nil
	}
	t.lock()
	defer t.mu.Unlock()
	share := 1.0
	if strings.EqualFold(req.Header.Get("x-ms-throttle-priority"), "low") {
		share = shedAbove
	}
	limits := t.limits(req)
	exceeded := slices.IndexFunc(limits, func(l limit) bool { return t.bucket(l, req.caller.AppID).wait(l, share) > 0 })
	var wait time.Duration
	for _, l := range limits {
		b := t.bucket(l, req.caller.AppID)
		b.level = min(b.level+l.cost, brimful*l.capacity)
		req.load = max(req.load, b.level/l.capacity)
		wait = max(wait, b.wait(l, share))
	}
	if exceeded < 0 {
		return nil
	}
	return req.errThrottled(limits[exceeded], wait)
}

// errThrottled refuses a request because of a limit, for as long as that takes.
func (req *graphRequest) errThrottled(l limit, wait time.Duration) *graphError {
	t := req.tenant
	e := usualGraphError(http.StatusTooManyRequests)
	e.header = http.Header{}
	e.header.Set("x-ms-throttle-scope", strings.Join([]string{l.scope, l.kind, req.caller.AppID, t.cfg.TenantID}, "/"))
	e.header.Set("x-ms-throttle-information", l.information)
	if !t.cfg.Throttle.OmitRetryAfter {
		e.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return e
}
