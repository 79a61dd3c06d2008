package storetest_test

import (
	"fmt"

	"github.com/entrafed/entrafed/provision/storetest"
)

// What a store is checked for.
func ExampleRules() {
	for _, rule := range storetest.Rules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// Load of somebody unknown is ErrNoRecord
	// Reserve stores every field, with Version 1
	// Reserve stores empty fields and zero times
	// Reserve returns the record of a person who has one, unchanged
	// Reserve returns it even if what was asked for is taken
	// Reserve refuses what somebody else holds, and stores nothing
	// of an ImmutableID and a UPN that are both taken, the ImmutableID is reported
	// connection and ID are compared together, byte for byte
	// ImmutableIDs are compared byte for byte
	// UPNs are compared without regard to case, and kept as they are
	// DirectoryUPNs are not compared with anything
	// an empty UPN and an empty ImmutableID are taken like any other
	// Save stores every field, with the next Version
	// Save empties fields and times
	// Save of a stale record is ErrStaleRecord, and changes nothing
	// Save of somebody unknown is ErrStaleRecord, and stores nothing
	// Save refuses what somebody else holds, and changes nothing
	// Save of a stale record is ErrStaleRecord even if what it asks for is taken
	// Save may change the case of the person's own UPN
	// Save frees the UPN and the ImmutableID that the record held before
	// times come back in UTC, to the microsecond
	// text comes back byte for byte
	// keys and names may be as long as Person.Validate and Entra allow
	// text with a NUL, or that is not UTF-8, is refused everywhere and stores nothing
	// records are copies
	// of many who reserve for one person, one wins and all get its record
	// of many who reserve one UPN in any case, one wins
	// of many who reserve one ImmutableID, one wins
	// of many who reserve for different people, all win
	// of many who save one version, one wins
	// of many who save what one of them may have, one wins
	// of many who save again after ErrStaleRecord, nobody's change is lost
	// all methods stop when the context ends
}

// What the leases of a store are checked for.
func ExampleLeaseRules() {
	for _, rule := range storetest.LeaseRules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// a lease that is held is ErrLeaseHeld for everybody else
	// people's leases are independent, and their keys compared byte for byte
	// a released lease can be acquired at once
	// an expired lease can be acquired
	// a renewed lease lasts for its new time, counted from the renewal
	// a lease that was released cannot be renewed
	// who has lost the lease neither renews nor releases the next one
	// releasing twice is no error
	// a token is never used twice
	// of many who acquire one lease, one wins
	// of many who acquire an expired lease, one wins
	// keys with a NUL, or that are not UTF-8, are refused
	// all methods of leases stop when the context ends
}

// What the index of a store is checked for.
func ExampleIndexRules() {
	for _, rule := range storetest.IndexRules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// LoadByObjectID of an object ID that nobody has is ErrNoRecord
	// LoadByObjectID finds what Reserve and Save stored, in every field
	// LoadByObjectID compares byte for byte
	// an empty object ID is nobody's
	// LoadByObjectID finds what a record has now, not what it had before
	// of several with one object ID, the first key's record is found
	// List of an empty store is empty
	// List returns every field
	// List is in the order of connections, then of IDs, byte for byte
	// pages of any size, one after the other, are the whole list
	// List begins after a key that is nobody's as well
	// a limit that is not positive returns none
	// a walk in pages meets everybody who was there when it began, while others come
	// of an index, text with a NUL, or that is not UTF-8, is refused
	// all methods of an index stop when the context ends
}

// What the cursors of a store are checked for.
func ExampleCursorRules() {
	for _, rule := range storetest.CursorRules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// a cursor that nobody saved is empty
	// SaveCursor replaces the text
	// an empty text is as good as none
	// cursors' names are compared byte for byte
	// cursors come back byte for byte
	// of many who save one cursor, one text remains
	// of cursors, text with a NUL, or that is not UTF-8, is refused
	// all methods of cursors stop when the context ends
}
