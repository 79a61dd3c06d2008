package storetest

import "github.com/entrafed/entrafed/provision"

// Rules are the rules of [provision.Store].
func Rules() []Rule[provision.Store] {
	return []Rule[provision.Store]{
		{"Load of somebody unknown is ErrNoRecord", loadUnknown},
		{"Reserve stores every field, with Version 1", reserveStores},
		{"Reserve stores empty fields and zero times", reserveStoresEmpty},
		{"Reserve returns the record of a person who has one, unchanged", reserveReturns},
		{"Reserve returns it even if what was asked for is taken", reserveReturnsRather},
		{"Reserve refuses what somebody else holds, and stores nothing", reserveRefuses},
		{"of an ImmutableID and a UPN that are both taken, the ImmutableID is reported", immutableIDFirst},
		{"connection and ID are compared together, byte for byte", keysAreExact},
		{"ImmutableIDs are compared byte for byte", immutableIDsAreExact},
		{"UPNs are compared without regard to case, and kept as they are", upnsAreFolded},
		{"DirectoryUPNs are not compared with anything", directoryUPNsAreFree},
		{"an empty UPN and an empty ImmutableID are taken like any other", emptyIsAValue},
		{"Save stores every field, with the next Version", saveStores},
		{"Save empties fields and times", saveEmpties},
		{"Save of a stale record is ErrStaleRecord, and changes nothing", saveRefusesStale},
		{"Save of somebody unknown is ErrStaleRecord, and stores nothing", saveRefusesUnknown},
		{"Save refuses what somebody else holds, and changes nothing", saveRefusesTaken},
		{"Save of a stale record is ErrStaleRecord even if what it asks for is taken", staleFirst},
		{"Save may change the case of the person's own UPN", saveOwnCase},
		{"Save frees the UPN and the ImmutableID that the record held before", saveFrees},
		{"times come back in UTC, to the microsecond", timesRoundTrip},
		{"text comes back byte for byte", textRoundTrips},
		{"keys and names may be as long as Person.Validate and Entra allow", longText},
		{"text with a NUL, or that is not UTF-8, is refused everywhere and stores nothing", badTextIsRefused},
		{"records are copies", recordsAreCopies},
		{"of many who reserve for one person, one wins and all get its record", reserveRace},
		{"of many who reserve one UPN in any case, one wins", reserveUPNRace},
		{"of many who reserve one ImmutableID, one wins", reserveImmutableIDRace},
		{"of many who reserve for different people, all win", reserveCrowd},
		{"of many who save one version, one wins", saveRace},
		{"of many who save what one of them may have, one wins", saveUPNRace},
		{"of many who save again after ErrStaleRecord, nobody's change is lost", saveAgainRace},
		{"all methods stop when the context ends", stopsWithContext},
	}
}

// LeaseRules are the rules of [provision.Leaser].
func LeaseRules() []Rule[provision.Leaser] {
	return []Rule[provision.Leaser]{
		{"a lease that is held is ErrLeaseHeld for everybody else", heldLease},
		{"people's leases are independent, and their keys compared byte for byte", leasesAreIndependent},
		{"a released lease can be acquired at once", releasedLease},
		{"an expired lease can be acquired", expiredLease},
		{"a renewed lease lasts for its new time, counted from the renewal", renewedLease},
		{"a lease that was released cannot be renewed", renewReleased},
		{"who has lost the lease neither renews nor releases the next one", lostLease},
		{"releasing twice is no error", releaseTwice},
		{"a token is never used twice", tokensAreUnique},
		{"of many who acquire one lease, one wins", acquireRace},
		{"of many who acquire an expired lease, one wins", acquireExpiredRace},
		{"keys with a NUL, or that are not UTF-8, are refused", badLeaseKeys},
		{"all methods of leases stop when the context ends", leasesStopWithContext},
	}
}

// IndexRules are the rules of [provision.Index].
func IndexRules() []Rule[IndexedStore] {
	return []Rule[IndexedStore]{
		{"LoadByObjectID of an object ID that nobody has is ErrNoRecord", loadByUnknownObjectID},
		{"LoadByObjectID finds what Reserve and Save stored, in every field", loadByObjectID},
		{"LoadByObjectID compares byte for byte", objectIDsAreExact},
		{"an empty object ID is nobody's", emptyObjectID},
		{"LoadByObjectID finds what a record has now, not what it had before", objectIDChanges},
		{"of several with one object ID, the first key's record is found", sharedObjectID},
		{"List of an empty store is empty", listEmpty},
		{"List returns every field", listStores},
		{"List is in the order of connections, then of IDs, byte for byte", listInOrder},
		{"pages of any size, one after the other, are the whole list", listInPages},
		{"List begins after a key that is nobody's as well", listAfterUnknown},
		{"a limit that is not positive returns none", listNone},
		{"a walk in pages meets everybody who was there when it began, while others come", listWhileReserving},
		{"of an index, text with a NUL, or that is not UTF-8, is refused", badIndexText},
		{"all methods of an index stop when the context ends", indexStopsWithContext},
	}
}

// CursorRules are the rules of [provision.Cursors].
func CursorRules() []Rule[provision.Cursors] {
	return []Rule[provision.Cursors]{
		{"a cursor that nobody saved is empty", unsavedCursor},
		{"SaveCursor replaces the text", savedCursor},
		{"an empty text is as good as none", emptiedCursor},
		{"cursors' names are compared byte for byte", cursorNamesAreExact},
		{"cursors come back byte for byte", cursorRoundTrips},
		{"of many who save one cursor, one text remains", cursorRace},
		{"of cursors, text with a NUL, or that is not UTF-8, is refused", badCursors},
		{"all methods of cursors stop when the context ends", cursorsStopWithContext},
	}
}
