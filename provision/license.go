package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// skusFresh is how long the list of subscriptions is used before it is read again.
const skusFresh = 10 * time.Minute

// looksPerSeat is how often the account's licences are read before "no seat" is believed: the last seat may be ours,
// assigned by a call whose answer was lost, and not yet on every replica.
const looksPerSeat = 3

// license gives the account a seat of each subscription in the rules, in one call.
func (r *run) license(ctx context.Context) (outcome, error) {
	if len(r.p.rules.Licenses) == 0 || !r.rec.LicensedAt.IsZero() {
		return skipped, nil
	}
	wanted, err := r.resolveLicenses(ctx)
	if err != nil {
		return done, err
	}
	missing, user, err := r.missingSeats(ctx, wanted)
	if err != nil {
		return done, err
	}
	if err := r.takeSeats(ctx, wanted, missing, user); err != nil {
		return done, err
	}
	at := r.timestamp()
	return done, r.save(ctx, func(rec *Record) error {
		if rec.LicensedAt.IsZero() {
			rec.LicensedAt = at
		}
		return nil
	})
}

// seat is one licence of the rules and the subscription that it names.
type seat struct {
	license string
	sku     SKU
}

// resolveLicenses finds the subscriptions that the rules name. What the cached list does not allow is looked up in a
// fresh one before it is refused.
func (r *run) resolveLicenses(ctx context.Context) ([]seat, error) {
	skus, err := r.readSKUs(ctx, skusFresh)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(r.p.rules.Licenses))
	for i, license := range r.p.rules.Licenses {
		names[i] = license.SKU
	}
	seats, err := resolveSeats(names, skus)
	if err == nil {
		return seats, nil
	}
	if skus, err = r.readSKUs(ctx, 0); err != nil {
		return nil, err
	}
	return resolveSeats(names, skus)
}

// resolveSeats finds each licence by part number or SKU ID among the subscriptions that people can be assigned.
func resolveSeats(licenses []string, skus []SKU) ([]seat, error) {
	var seats []seat
	for _, license := range licenses {
		sku, problem := resolveSeat(license, skus)
		if problem != "" {
			return nil, &LicenseError{License: license, Problem: problem, Tenant: skus}
		}
		if !slices.ContainsFunc(seats, func(s seat) bool { return s.sku.ID == sku.ID }) {
			seats = append(seats, seat{license, sku})
		}
	}
	return seats, nil
}

func resolveSeat(license string, skus []SKU) (sku SKU, problem string) {
	problem = "the tenant has no such subscription"
	for _, s := range skus {
		if !strings.EqualFold(s.ID, strings.TrimSpace(license)) &&
			!strings.EqualFold(s.PartNumber, strings.TrimSpace(license)) {
			continue
		}
		switch {
		case !strings.EqualFold(s.AppliesTo, "User"):
			problem = "the subscription is for the company, not for users"
		case !strings.EqualFold(s.Status, "Enabled") && !strings.EqualFold(s.Status, "Warning"):
			problem = fmt.Sprintf("the subscription is %q", s.Status)
		default:
			s.ID = strings.ToLower(s.ID)
			return s, ""
		}
	}
	return SKU{}, problem
}

// missingSeats reads the account and returns the seats that it does not have. An account that is not visible yet has
// none.
func (r *run) missingSeats(ctx context.Context, wanted []seat) ([]seat, User, error) {
	user, err := r.find(ctx, UserKey{ObjectID: r.rec.ObjectID})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, User{}, err
	}
	var missing []seat
	for _, s := range wanted {
		if !containsFold(user.SKUIDs, s.sku.ID) {
			missing = append(missing, s)
		}
	}
	return missing, user, nil
}

// takeSeats assigns what is missing. When no seat is left it looks whether the account has them all the same.
func (r *run) takeSeats(ctx context.Context, wanted, missing []seat, user User) error {
	if len(missing) == 0 {
		return nil
	}
	refused := r.seatsLeft(ctx, missing)
	if refused == nil {
		refused = r.assign(ctx, missing, user)
	}
	if !errors.Is(refused, ErrNoLicense) {
		return refused
	}
	for look := 1; look <= looksPerSeat; look++ {
		missing, _, err := r.missingSeats(ctx, wanted)
		if err != nil || len(missing) == 0 {
			return err
		}
		if look < looksPerSeat {
			if err := r.pause(ctx, look, refused); err != nil {
				return err
			}
		}
	}
	return refused
}

// seatsLeft refuses what has no free seat, after a look at a fresh list.
func (r *run) seatsLeft(ctx context.Context, missing []seat) error {
	if withoutSeat(missing) < 0 {
		return nil
	}
	skus, err := r.readSKUs(ctx, 0)
	if err != nil {
		return err
	}
	licenses := make([]string, len(missing))
	for i, s := range missing {
		licenses[i] = s.license
	}
	fresh, err := resolveSeats(licenses, skus)
	if err != nil {
		return err
	}
	if i := withoutSeat(fresh); i >= 0 {
		return &LicenseError{License: fresh[i].license, Problem: "no seat is left", Tenant: skus}
	}
	return nil
}

func withoutSeat(seats []seat) int {
	return slices.IndexFunc(seats, func(s seat) bool { return s.sku.Free() == 0 })
}

// assign gives the seats, again and again while the account or its usage location is not on every replica yet.
func (r *run) assign(ctx context.Context, seats []seat, user User) error {
	ids := make([]string, len(seats))
	var change LicenseChange
	for i, s := range seats {
		ids[i] = s.sku.ID
		change.Add = append(change.Add, LicenseGrant{SKUID: s.sku.ID})
	}
	// An account that was there before and has no usage location will not get one by waiting.
	hopeless := r.rec.Adopted && user.ObjectID != "" && user.UsageLocation == ""
	again := func(err error) bool {
		var answer *DirectoryError
		if hopeless && errors.As(err, &answer) && answer.invalidUsageLocation() {
			return false
		}
		return temporaryOrMissing(err)
	}
	err := r.retry(ctx, writing, again, func(ctx context.Context) error {
		return r.p.directory.ChangeLicenses(ctx, r.rec.ObjectID, change)
	})
	if err == nil {
		r.log.InfoContext(ctx, "licences assigned", "object", r.rec.ObjectID, "skus", ids)
	}
	var answer *DirectoryError
	if errors.Is(err, ErrNoLicense) && errors.As(err, &answer) {
		return r.refusedSeats(ctx, seats, answer)
	}
	return err
}

// refusedSeats is the error of seats that the directory does not give although its list had them. The list is read
// again, so that the next person is not sent the same way.
func (r *run) refusedSeats(ctx context.Context, seats []seat, answer *DirectoryError) error {
	tenant, err := r.readSKUs(ctx, 0)
	if err != nil {
		return err
	}
	license := refusedLicense(seats, answer)
	return &LicenseError{License: license, Problem: "the directory refused it", Tenant: tenant, Err: answer}
}

// refusedLicense names the licence whose SKU ID the directory's answer quotes, or all that were asked for.
func refusedLicense(seats []seat, answer *DirectoryError) string {
	names := make([]string, len(seats))
	for i, s := range seats {
		if answer.says(s.sku.ID) {
			return s.license
		}
		names[i] = s.license
	}
	return strings.Join(names, ", ")
}

// readSKUs returns the tenant's subscriptions as they were at most maxAge ago. Runs that need a fresh list at the same
// time share one call.
func (r *run) readSKUs(ctx context.Context, maxAge time.Duration) ([]SKU, error) {
	asked := r.p.now()
	select {
	case r.p.skus.turn <- struct{}{}:
		defer func() { <-r.p.skus.turn }()
	case <-ctx.Done():
		return nil, r.stopped(ctx, nil)
	}
	if r.p.skus.read && (asked.Sub(r.p.skus.at) < maxAge || r.p.skus.at.After(asked)) {
		return r.p.skus.list, nil
	}
	var list []SKU
	err := r.retry(ctx, units(2), temporary, func(ctx context.Context) (err error) {
		list, err = r.p.directory.SKUs(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.p.skus.list, r.p.skus.at, r.p.skus.read = list, r.p.now(), true
	return list, nil
}

// skuCache is the tenant's list of subscriptions. Whoever has put a token into turn may use the other fields.
type skuCache struct {
	turn chan struct{}
	list []SKU
	at   time.Time
	read bool
}

func newSKUCache() skuCache { return skuCache{turn: make(chan struct{}, 1)} }
