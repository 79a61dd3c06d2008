package provision

import (
	"slices"
	"strings"
)

// groupMark begins what [Record.Licenses] says of a group.
const groupMark = "group:"

// marksOf lists what Record.Licenses says was given: SKU IDs, and groups with groupMark before their object IDs.
func marksOf(licenses string) []string { return strings.Fields(licenses) }

// editedMarks is Record.Licenses with some marks more and some less.
func editedMarks(licenses string, add, remove []string) string {
	marks := slices.DeleteFunc(marksOf(licenses), func(mark string) bool { return slices.Contains(remove, mark) })
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
