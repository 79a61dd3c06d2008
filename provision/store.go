package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Store is the pipeline's memory: what was promised to whom, before the first write to the directory. [NewMemoryStore]
// keeps it in this process, package [github.com/entrafed/entrafed/provision/sqlstore] in SQLite or PostgreSQL. Package
// [github.com/entrafed/entrafed/provision/storetest] checks any other.
//
// Implementations are safe for concurrent use, also from several processes where the store is shared, and stop when
// ctx ends, with an error that matches ctx.Err(). They return copies: changing a Record changes nothing until it is
// saved. What Reserve and Save returned without an error, every later call sees, in any process that shares the store.
//
// Keys and ImmutableIDs are compared byte for byte; UPNs as strings.ToLower makes them. An empty ImmutableID or UPN is a
// value like any other. DirectoryUPN is kept and never compared. Text comes back byte for byte, keys of 128 and 512
// characters (see [Person.Validate]) included; text that [Record.Validate] refuses is refused by all methods with an
// error that matches [ErrInvalidRecord].
//
// A Store that several processes share should be a [Leaser] too.
type Store interface {
	// Load returns the person's record, or an error that matches [ErrNoRecord].
	Load(ctx context.Context, key PersonKey) (Record, error)

	// Reserve stores rec if the person has no record yet and nobody else holds its ImmutableID or its UPN, and returns
	// it with Version 1. If the person has a record, that one is returned unchanged. If somebody else holds the
	// ImmutableID or the UPN (UPNs are compared without regard to case), the error matches [ErrImmutableIDTaken] or
	// [ErrUPNTaken], the former where both are held, and nothing is stored.
	Reserve(ctx context.Context, rec Record) (Record, error)

	// Save replaces the person's record if the stored Version equals rec.Version, and returns it with the next
	// Version. Otherwise, and if the person has no record, the error matches [ErrStaleRecord]. Then it refuses what is
	// taken as Reserve does. What the record held before and holds no more is free for others.
	Save(ctx context.Context, rec Record) (Record, error)
}

// Index is optionally implemented by a [Store]: it finds people other than by their key. Reconciling needs it. Its methods
// keep what Store says of concurrency, contexts, copies and text.
type Index interface {
	// LoadByObjectID returns the record with this ObjectID, compared byte for byte, or an error that matches
	// [ErrNoRecord]. Should several have it, it is the one whose key comes first. An empty objectID is nobody's.
	LoadByObjectID(ctx context.Context, objectID string) (Record, error)

	// List returns up to limit records whose keys come after after, in the order of their keys: first by connection,
	// then by ID, both byte for byte. The zero key comes before all others. A limit that is not positive returns none.
	List(ctx context.Context, after PersonKey, limit int) ([]Record, error)
}

// Cursors is optionally implemented by a [Store]: small texts that the pipeline keeps between runs, by name. Its methods
// are safe for concurrent use and stop when ctx ends. Names are compared and texts kept byte for byte; what
// [ValidateCursor] refuses is refused. What SaveCursor stored every later call sees, in any process that shares the store.
type Cursors interface {
	// LoadCursor returns the text, or "" if there is none.
	LoadCursor(ctx context.Context, name string) (string, error)

	// SaveCursor replaces the text.
	SaveCursor(ctx context.Context, name, value string) error
}

// What a [Store] answers, for errors.Is.
var (
	ErrNoRecord         = errors.New("provision: no record of this person")
	ErrUPNTaken         = errors.New("provision: the UPN is reserved for somebody else")
	ErrImmutableIDTaken = errors.New("provision: the ImmutableID is reserved for somebody else")
	ErrStaleRecord      = errors.New("provision: the record changed meanwhile")
	ErrInvalidRecord    = errors.New("provision: the record cannot be stored")
)

// PersonKey identifies a person for ever.
type PersonKey struct{ Connection, ID string }

// Key returns the person's key.
func (p Person) Key() PersonKey { return PersonKey{Connection: p.Connection, ID: p.ID} }

// Validate reports a key that a [Store] refuses: see [Record.Validate].
func (k PersonKey) Validate() error {
	return invalidRecord(errors.Join(storable("Connection", k.Connection), storable("ID", k.ID)))
}

// Record is what the pipeline remembers of a person. The identity is chosen once; the times say how far the person
// has come. A zero time means not yet. All times are in UTC and no finer than a microsecond, and come back equal.
type Record struct {
	Key         PersonKey
	Version     int64 // 1 after Reserve, one more after each Save
	ImmutableID string
	UPN         string // reserved for this person alone
	UPNAttempt  int    // how many UPNs were found taken before this one
	ObjectID    string // set once created or adopted

	// DirectoryUPN is the UPN that the account was found with, where it is not the reserved one; empty otherwise. The
	// directory keeps it unique, so that the store need not.
	DirectoryUPN string

	// Adopted is true when the account was there before the pipeline sent anything to create it. It then needs no
	// dwell, and CreatedAt only says when it was recognised.
	Adopted bool

	// Licenses is what the pipeline gave: the SKU IDs of seats given directly, and "group:" and the object ID of groups
	// that give them; separated by spaces. With "lost:", a time and ":" in front it names what Retire or SwapLicenses took
	// back then, or what somebody who came back then may have lost: replicas that lag show that still, and are not believed
	// until an hour has passed or the person was given it anew.
	Licenses string

	ReservedAt time.Time
	CreatedAt  time.Time // the directory confirmed the creation, or the account was recognised as ours
	LicensedAt time.Time // the account has what the rules say; later, when a group that gives licences was last joined
	JoinedAt   time.Time // the groups of the rules have the account as a member
	ReadyAt    time.Time

	// How far a person who leaves has come: see [Provisioner.Retire].
	RetiringAt   time.Time // it was decided: the person is not provisioned any more
	BlockedAt    time.Time // the account cannot sign in and has no session
	UnlicensedAt time.Time // it holds no seat of the pipeline's
	DeletedAt    time.Time // it is among the deleted users
	PurgedAt     time.Time // it is gone for good
}

// Validate reports text that a [Store] refuses in every field, because not every database can keep it: a NUL (U+0000),
// and what is not valid UTF-8. The error lists all that is wrong and matches [ErrInvalidRecord]. Implementations call it
// before they store anything.
func (r Record) Validate() error {
	return invalidRecord(errors.Join(
		storable("Connection", r.Key.Connection),
		storable("ID", r.Key.ID),
		storable("ImmutableID", r.ImmutableID),
		storable("UPN", r.UPN),
		storable("ObjectID", r.ObjectID),
		storable("DirectoryUPN", r.DirectoryUPN),
		storable("Licenses", r.Licenses),
	))
}

// ValidateCursor reports text that [Cursors] refuse, as [Record.Validate] does; the error matches [ErrInvalidRecord].
func ValidateCursor(name, value string) error {
	return invalidRecord(errors.Join(storable("the cursor's name", name), storable("the cursor's text", value)))
}

// storable checks one text of a record.
func storable(field, value string) error {
	switch {
	case !utf8.ValidString(value):
		return fmt.Errorf("%s is not valid UTF-8", field)
	case strings.Contains(value, "\x00"):
		return fmt.Errorf("%s has a NUL in it", field)
	}
	return nil
}

// invalidRecord makes err match ErrInvalidRecord; nil stays nil.
func invalidRecord(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalidRecord, err)
}

// accountUPN is the UPN that the account has, or is meant to get.
func (r Record) accountUPN() string {
	if r.DirectoryUPN != "" {
		return r.DirectoryUPN
	}
	return r.UPN
}
