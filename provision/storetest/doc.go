// Package storetest checks that an implementation keeps the contract of [provision.Store], and those of
// [provision.Leaser], [provision.Index] and [provision.Cursors] if it is one. A store of one's own needs a test of a
// few lines:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) provision.Store { return newEmptyStore(t) })
//	}
//
//	func TestLeases(t *testing.T) {
//		storetest.RunLeaser(t, func(t *testing.T) provision.Leaser { return newEmptyStore(t) })
//	}
//
// [RunIndex] and [RunCursors] are called likewise.
//
// [RunPacer] does the same for [provision.Pacer]. A pacer of one's own is told its pace:
//
//	func TestPacer(t *testing.T) {
//		storetest.RunPacer(t, func(t *testing.T, pace provision.Pace) provision.Pacer { return newPacer(t, pace) })
//	}
//
// Each rule of the contract is one row of a table, such as [Rules]: a name that says what must hold, and a
// check of it. Run makes every row a subtest on a store of its own, all in parallel; run it with the race detector.
//
// What a suite in one process cannot show remains the implementation's own to test: that several processes agree, and
// that what was stored outlives a crash. The tests of package sqlstore do so for the stores of this module.
//
// No check decides by time. A check that waits for a lease to expire gives up after a minute.
package storetest
