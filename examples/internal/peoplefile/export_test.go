package peoplefile

// The bounds of an input, and how a line of CSV is taken apart, for the tests.
const (
	MaxLine   = maxLine
	MaxUnused = maxUnused
)

var SplitRecord = splitRecord
