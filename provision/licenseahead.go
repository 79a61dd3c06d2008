package provision

import (
	"context"
	"errors"
)

// seatsAhead refuses a new person for whom no seat is left, before an identity is reserved and an account is made that
// nobody could use. As a rule it costs nothing: the list of subscriptions is at hand. Whoever has an account already may
// have a licence already as well. It is the step "license" that fails then.
func (r *run) seatsAhead(ctx context.Context) error {
	if len(r.rules.Licenses) == 0 || !r.rec.CreatedAt.IsZero() {
		return nil
	}
	_, err := r.newGiving(User{}).plan(ctx)
	var refused *LicenseError
	if errors.As(err, &refused) {
		err = r.unlessThere(ctx, err)
	}
	if err != nil {
		r.step = StepLicense
		r.tell(Event{State: Started})
	}
	return err
}

// unlessThere returns the refusal of a new person, or nil if the person has an account.
func (r *run) unlessThere(ctx context.Context, refusal error) error {
	immutableID := r.rec.ImmutableID
	if immutableID == "" {
		var err error
		if immutableID, err = r.rules.immutableID(r.person); err != nil {
			return nil // the step "reserve" says so
		}
	}
	keys := []UserKey{{ImmutableID: immutableID}}
	if r.rules.Adopt.InsecureByUPN && r.person.UPN != "" {
		keys = append(keys, UserKey{UserPrincipalName: r.person.UPN})
	}
	for _, key := range keys {
		if _, err := r.find(ctx, key); !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return refusal
}
