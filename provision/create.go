package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// triesPerDomain is how often a creation is sent before it is believed that the UPN's domain is not verified: a
// verification of a moment ago may not have reached every replica.
const triesPerDomain = 4

// create finds the person's account by its ImmutableID, or creates it. Should the person be retired meanwhile by a
// process that could not know of this run, the account must not stay open.
func (r *run) create(ctx context.Context) (outcome, error) {
	result, err := r.findOrCreate(ctx)
	_, able := r.p.directory.(Accounts)
	open := !r.rec.RetiringAt.IsZero() && r.rec.BlockedAt.IsZero() && !r.rec.CreatedAt.IsZero() && !r.synced
	if able && open && errors.Is(err, ErrRetired) {
		if blocked := r.shutOut(ctx); blocked != nil {
			r.log.WarnContext(ctx, "the account of a person who was retired meanwhile is not blocked: retire the person again",
				"object", r.rec.ObjectID, "error", blocked)
		}
	}
	return result, err
}

// findOrCreate looks for the account and creates it if there is none. Graph has no idempotency keys, so a creation
// whose outcome is not known is followed by a look; if it shows nothing, the creation is repeated with the same
// ImmutableID, which the directory accepts once only. It does not do so, perhaps, while that of a deleted account is the
// same: therefore those are looked at first.
func (r *run) findOrCreate(ctx context.Context) (outcome, error) {
	if !r.rec.CreatedAt.IsZero() {
		return r.revisit(ctx)
	}
	if adopted, err := r.lookAndAdopt(ctx, r.fresh); adopted || err != nil {
		return done, err
	}
	if readmitted, err := r.lookAmongDeleted(ctx); readmitted || err != nil {
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
		case unverifiedDomain(err) && attempt < triesPerDomain:
			err = r.pause(ctx, attempt, err)
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func unverifiedDomain(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.unverifiedDomain()
}

// post sends the creation once.
func (r *run) post(ctx context.Context) (User, error) {
	password, err := r.p.password()
	if err != nil {
		return User{}, err
	}
	user, err := r.createUser(ctx, r.newUser(password))
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

// find reads one user, and again while the directory fails.
func (r *run) find(ctx context.Context, key UserKey) (User, error) {
	var user User
	err := r.retry(ctx, opFindUser, reading, temporary, func(ctx context.Context) (err error) {
		user, err = r.p.directory.FindUser(ctx, key)
		return err
	})
	return user, err
}

// readByImmutableID reads the person's account once.
func (r *run) readByImmutableID(ctx context.Context) (User, error) {
	var user User
	err := r.ask(ctx, opFindUser, reading, func(ctx context.Context) (err error) {
		user, err = r.p.directory.FindUser(ctx, UserKey{ImmutableID: r.rec.ImmutableID})
		return err
	})
	if err == nil && user.ImmutableID != r.rec.ImmutableID {
		return User{}, r.conflict(ConflictImmutableID, propertyImmutableID, user, nil)
	}
	return user, err
}

// newUser is the account as it is created.
func (r *run) newUser(password string) NewUser {
	return NewUser{
		UserPrincipalName: r.rec.UPN,
		ImmutableID:       r.rec.ImmutableID,
		DisplayName:       r.displayName(),
		MailNickname:      mailNickname(r.rec.UPN),
		GivenName:         r.person.GivenName,
		Surname:           r.person.Surname,
		UsageLocation:     r.usageLocation(),
		Password:          password,
		Attributes:        r.rules.attributes(r.person),
	}
}

// mailNickname is the part of the UPN before the @, without dots that begin it or follow one another: a UPN may have
// those, an alias of Exchange may not. All other characters of a UPN are allowed in both:
// https://learn.microsoft.com/powershell/module/exchange/set-mailbox#-alias.
func mailNickname(upn string) string {
	local, _, _ := strings.Cut(upn, "@")
	return strings.Join(strings.FieldsFunc(local, func(r rune) bool { return r == '.' }), ".")
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
	return r.rules.UsageLocation
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
