package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// looksPerConflict is how often the directory is searched for the account behind a uniqueness clash before the
// creation is tried again: the clash may have been with a creation that failed in the end.
const looksPerConflict = 4

// looksPerAddress is how often it is searched when the clash is about an address. An alias of a group or a contact
// never shows up as a user.
const looksPerAddress = 3

// clocksDiffer is how far the directory's clock, which tells whole seconds, may be behind this one.
const clocksDiffer = time.Minute

// create finds the person's account by its ImmutableID, or creates it. Graph has no idempotency keys, so a creation
// whose outcome is not known is followed by a look; if it shows nothing, the creation is repeated with the same
// ImmutableID, which the directory accepts once only.
func (r *run) create(ctx context.Context) (outcome, error) {
	if !r.rec.CreatedAt.IsZero() {
		return skipped, nil
	}
	if adopted, err := r.lookAndAdopt(ctx, r.fresh); adopted || err != nil {
		return done, err
	}
	for attempt := 1; r.rec.CreatedAt.IsZero(); attempt++ {
		user, err := r.post(ctx)
		switch {
		case err == nil:
			return done, r.created(ctx, user)
		case errors.Is(err, ErrConflict):
			err = r.resolve(ctx, attempt, err)
		case temporary(err):
			err = r.lookAgain(ctx, attempt, err)
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// post sends the creation once.
func (r *run) post(ctx context.Context) (User, error) {
	password, err := r.p.password()
	if err != nil {
		return User{}, err
	}
	var user User
	err = r.ask(ctx, writing, func(ctx context.Context) (err error) {
		user, err = r.p.directory.CreateUser(ctx, r.newUser(password))
		return err
	})
	if err == nil && user.ObjectID == "" {
		err = &DirectoryError{Operation: "creating the user", Err: errors.New("the answer names no object ID")}
	}
	return user, err
}

// created records the account that the directory confirmed.
func (r *run) created(ctx context.Context, user User) error {
	r.log.InfoContext(ctx, "account created", "upn", r.rec.UPN, "object", user.ObjectID)
	return r.recognise(ctx, user.ObjectID, r.rec.UPN, false)
}

// lookAgain follows a creation whose outcome is not known, or that came too early.
func (r *run) lookAgain(ctx context.Context, attempt int, last error) error {
	if err := r.pause(ctx, attempt, last); err != nil {
		return err
	}
	_, err := r.lookAndAdopt(ctx, false)
	return err
}

// resolve follows a uniqueness clash: the account is ours already, or somebody else has the UPN and ours becomes the
// next one, or nobody can be seen yet. It returns nil when create should look at the record and go on.
func (r *run) resolve(ctx context.Context, attempt int, clash error) error {
	for look := 1; look <= looksPerConflict; look++ {
		owner, err := r.owner(ctx, clash)
		switch {
		case err == nil && owner.ImmutableID == r.rec.ImmutableID:
			return r.adopt(ctx, owner, false)
		case err == nil && strings.EqualFold(owner.ImmutableID, r.rec.ImmutableID):
			return r.conflict(propertyImmutableID, r.rec, owner, clash)
		case err == nil && !blamesOnly(clash, propertyImmutableID):
			return r.nextUPN(ctx, owner, clash)
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case look == looksPerAddress && blamesOnly(clash, "proxyAddresses", "mail", "otherMails"):
			return r.nextUPN(ctx, User{}, clash)
		}
		if err := r.pause(ctx, (attempt-1)*looksPerConflict+look, clash); err != nil {
			return err
		}
	}
	return nil
}

// owner finds the account behind a clash: by our ImmutableID, by our UPN, by the object that the directory named.
func (r *run) owner(ctx context.Context, clash error) (User, error) {
	keys := []UserKey{{ImmutableID: r.rec.ImmutableID}, {UserPrincipalName: r.rec.UPN}}
	if id := conflictingUser(clash); id != "" {
		keys = append(keys, UserKey{ObjectID: id})
	}
	for _, key := range keys {
		user, err := r.find(ctx, key)
		if !errors.Is(err, ErrNotFound) {
			return user, err
		}
	}
	return User{}, ErrNotFound
}

// lookAndAdopt takes over the account with our ImmutableID, if it can be seen.
func (r *run) lookAndAdopt(ctx context.Context, untouched bool) (adopted bool, err error) {
	user, err := r.find(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case user.ImmutableID != r.rec.ImmutableID:
		return false, r.conflict(propertyImmutableID, r.rec, user, nil)
	}
	return true, r.adopt(ctx, user, untouched)
}

// adopt takes over an account whose ImmutableID is exactly ours. untouched says that it was there before anything was
// sent for this person.
func (r *run) adopt(ctx context.Context, user User, untouched bool) error {
	upn := user.UserPrincipalName
	if upn == "" {
		upn = r.rec.UPN
	}
	if err := r.person.agreesWith(user.ImmutableID, upn); err != nil {
		return err
	}
	if user.ObjectID == "" {
		return errors.New("the directory found the user but names no object ID")
	}
	r.log.InfoContext(ctx, "account recognised", "upn", upn, "object", user.ObjectID, "enabled", user.AccountEnabled,
		"synced", user.DirectorySynced)
	// Without leases another process may have found the reservation, and created the account before it was looked for.
	isNew := user.CreatedAt.After(r.rec.ReservedAt.Add(-clocksDiffer))
	return r.recognise(ctx, user.ObjectID, upn, untouched && !isNew)
}

// recognise records that the account exists, and the UPN that it has: the assertion must name that one.
func (r *run) recognise(ctx context.Context, objectID, upn string, untouched bool) error {
	at := r.timestamp()
	return r.save(ctx, func(rec *Record) error {
		if rec.CreatedAt.IsZero() {
			rec.CreatedAt, rec.Adopted = at, untouched
		}
		rec.ObjectID, rec.DirectoryUPN = objectID, ""
		if !strings.EqualFold(upn, rec.UPN) {
			rec.DirectoryUPN = upn
		}
		return nil
	})
}

// find reads one user, and again while the directory fails.
func (r *run) find(ctx context.Context, key UserKey) (User, error) {
	var user User
	err := r.retry(ctx, reading, temporary, func(ctx context.Context) (err error) {
		user, err = r.p.directory.FindUser(ctx, key)
		return err
	})
	return user, err
}

// readByImmutableID reads the person's account once.
func (r *run) readByImmutableID(ctx context.Context) (User, error) {
	var user User
	err := r.ask(ctx, reading, func(ctx context.Context) (err error) {
		user, err = r.p.directory.FindUser(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
		return err
	})
	if err == nil && user.ImmutableID != r.rec.ImmutableID {
		return User{}, r.conflict(propertyImmutableID, r.rec, user, nil)
	}
	return user, err
}

// newUser is the account as it is created.
func (r *run) newUser(password string) NewUser {
	nickname, _, _ := strings.Cut(r.rec.UPN, "@")
	return NewUser{
		UserPrincipalName: r.rec.UPN,
		ImmutableID:       r.rec.ImmutableID,
		DisplayName:       r.displayName(),
		MailNickname:      nickname,
		GivenName:         r.person.GivenName,
		Surname:           r.person.Surname,
		UsageLocation:     r.usageLocation(),
		Password:          password,
	}
}

func (r *run) displayName() string {
	names := strings.TrimSpace(r.person.GivenName + " " + r.person.Surname)
	for _, name := range []string{r.person.DisplayName, names, r.person.Email} {
		if name != "" {
			return name
		}
	}
	return r.rec.UPN
}

func (r *run) usageLocation() string {
	if r.person.UsageLocation != "" {
		return r.person.UsageLocation
	}
	return r.p.rules.UsageLocation
}

// The password's alphabet: four classes, 64 characters, so that each takes six even bits.
const (
	passwordUpper   = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	passwordLower   = "abcdefghijkmnpqrstuvwxyz"
	passwordDigits  = "23456789"
	passwordSymbols = "-.!#^~*+"
	passwordLength  = 32
)

// password draws a password that satisfies Entra's policy of 8 to 256 characters in three of four classes:
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy. Nobody ever sees it: a federated user
// has no use for one, but Graph requires it.
func (p *Provisioner) password() (string, error) {
	b := make([]byte, passwordLength)
	if err := p.random(b); err != nil {
		return "", fmt.Errorf("drawing a password: %w", err)
	}
	const all = passwordUpper + passwordLower + passwordDigits + passwordSymbols
	for i, v := range b {
		alphabet := all
		switch i {
		case 0:
			alphabet = passwordUpper[:16]
		case 1:
			alphabet = passwordLower[:16]
		case 2:
			alphabet = passwordDigits
		case 3:
			alphabet = passwordSymbols
		}
		b[i] = alphabet[int(v)%len(alphabet)] // 256 is a multiple of each length: no character is favoured
	}
	return string(b), nil
}

// blamed lists the properties that a uniqueness clash names.
func blamed(clash error) []string {
	var answer *DirectoryError
	if !errors.As(clash, &answer) {
		return nil
	}
	var properties []string
	for _, d := range answer.Details {
		if d.Code == "ObjectConflict" && d.Target != "" {
			properties = append(properties, d.Target)
		}
	}
	if len(properties) > 0 {
		return properties
	}
	_, rest, _ := strings.Cut(answer.Message, "same value for property ")
	if fields := strings.Fields(rest); len(fields) > 0 {
		return fields[:1]
	}
	return nil
}

// blamesOnly reports whether a clash names properties, and none but these.
func blamesOnly(clash error, properties ...string) bool {
	named := blamed(clash)
	for _, name := range named {
		if !containsFold(properties, name) {
			return false
		}
	}
	return len(named) > 0
}

func containsFold(list []string, s string) bool {
	for _, item := range list {
		if strings.EqualFold(item, s) {
			return true
		}
	}
	return false
}

// conflictingUser is the object ID of the user that a clash names, as "User_" and a GUID, or "".
func conflictingUser(clash error) string {
	var answer *DirectoryError
	if !errors.As(clash, &answer) {
		return ""
	}
	for _, d := range answer.Details {
		if id, ok := strings.CutPrefix(d.Target, "User_"); ok && d.Code == "ConflictingObjects" {
			return id
		}
	}
	return ""
}
