package provision

import (
	"slices"
	"strings"
	"time"
)

// groupMark begins what [Record.Licenses] says of a group.
const groupMark = "group:"

// lostMark begins what [Record.Licenses] says was lost, although reads may show it. When that was, and ":", come between
// it and the mark of what was given.
const (
	lostMark = "lost:"
	lostTime = "20060102T150405Z"
)

// marksOf lists what Record.Licenses says was given: SKU IDs, and groups with groupMark before their object IDs.
func marksOf(licenses string) []string {
	return slices.DeleteFunc(strings.Fields(licenses), func(mark string) bool { return strings.HasPrefix(mark, lostMark) })
}

// lostOf lists what Record.Licenses says was lost, as marks of what was given. What was lost so long ago that every
// replica knows is not among it.
func lostOf(licenses string, now time.Time) []string {
	var lost []string
	for _, mark := range strings.Fields(licenses) {
		if what, at, ok := cutLost(mark); ok && now.Sub(at) < maxLag {
			lost = append(lost, what)
		}
	}
	return lost
}

// cutLost takes a mark of what was lost apart.
func cutLost(mark string) (what string, at time.Time, ok bool) {
	mark, ok = strings.CutPrefix(mark, lostMark)
	if !ok {
		return "", time.Time{}, false
	}
	when, what, _ := strings.Cut(mark, ":")
	at, err := time.Parse(lostTime, when)
	return what, at, err == nil
}

// lose adds that what was given, by its marks, is lost since then.
func (rec *Record) lose(given []string, at time.Time) {
	marks := slices.DeleteFunc(strings.Fields(rec.Licenses), func(mark string) bool {
		what, _, ok := cutLost(mark)
		return ok && slices.Contains(given, what)
	})
	for _, mark := range given {
		marks = append(marks, lostMark+at.UTC().Format(lostTime)+":"+mark)
	}
	rec.Licenses = strings.Join(marks, " ")
}

// forgetLost forgets what was lost but for what still is: the rest was given anew, or every replica knows by now. What
// Retire takes meanwhile stays lost.
func (rec *Record) forgetLost(still []string) {
	if !rec.RetiringAt.IsZero() {
		return
	}
	rec.Licenses = strings.Join(slices.DeleteFunc(strings.Fields(rec.Licenses), func(mark string) bool {
		what, _, ok := cutLost(mark)
		return strings.HasPrefix(mark, lostMark) && (!ok || !slices.Contains(still, what))
	}), " ")
}

// editedMarks is Record.Licenses with some marks more and some less.
func editedMarks(licenses string, add, remove []string) string {
	marks := slices.DeleteFunc(strings.Fields(licenses), func(mark string) bool { return slices.Contains(remove, mark) })
	for _, mark := range add {
		if !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return strings.Join(marks, " ")
}

// markedSeats are the SKU IDs among marks.
func markedSeats(marks []string) []string {
	return slices.DeleteFunc(slices.Clone(marks), func(mark string) bool { return strings.HasPrefix(mark, groupMark) })
}

// markedGroups are the object IDs of the groups among marks.
func markedGroups(marks []string) []string {
	var groups []string
	for _, mark := range marks {
		if id, ok := strings.CutPrefix(mark, groupMark); ok {
			groups = append(groups, id)
		}
	}
	return groups
}

// without is the user as they will be once marks are taken back.
func (u User) without(marks []string) User {
	seats, groups := markedSeats(marks), markedGroups(marks)
	before := u.Licenses
	u.Licenses = slices.DeleteFunc(slices.Clone(before), func(l AssignedLicense) bool {
		return l.GroupID == "" && containsFold(seats, l.SKUID) || containsFold(groups, l.GroupID)
	})
	u.SKUIDs = slices.DeleteFunc(slices.Clone(u.SKUIDs), func(id string) bool {
		of := func(l AssignedLicense) bool { return strings.EqualFold(l.SKUID, id) }
		if !slices.ContainsFunc(before, of) {
			return containsFold(seats, id)
		}
		return !slices.ContainsFunc(u.Licenses, of)
	})
	return u
}
