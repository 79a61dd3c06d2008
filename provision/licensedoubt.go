package provision

import (
	"errors"
	"time"
)

// The answer to an assignment may be lost, and the seat that it took the last one. The directory then has no other, and a
// replica that lags behind does not show ours. Another alternative on top of it would be a second seat for one person, so
// "no seat" is not believed before consecutive reads over that long have not shown the seat: most changes are everywhere
// in a fraction of it. A run whose budget does not last that long ends as not ready, and leaves the doubt to the next one.
const (
	seatDoubt     = 30 * time.Second
	seatDoubtLook = 2 * time.Second
)

// doubts are the alternatives that may be held though no replica shows it, by their marks: since when nothing more was
// sent for them.
type doubts map[string]time.Time

// newDoubts begins with what the record says was chosen: nobody knows whether an earlier run sent it, and what became of
// that.
func newDoubts(rec Record, now time.Time) doubts {
	d := make(doubts)
	for _, mark := range marksOf(rec.Licenses) {
		d[mark] = now
	}
	return d
}

// lost adds what was sent just now, if the answer leaves open whether it was carried out.
func (d doubts) lost(add []offer, err error, now time.Time) {
	if !unknownOutcome(err) {
		return
	}
	for _, o := range add {
		d[o.mark()] = now
	}
}

// unknownOutcome reports whether a write that failed so may have been carried out: no answer came, or one of a server
// that failed.
func unknownOutcome(err error) bool {
	return errors.Is(err, ErrUnavailable)
}

// until is when "no seat" is to be believed of all these offers; zero for those that nothing is doubted of.
func (d doubts) until(offers []offer, over time.Duration) (end time.Time) {
	for _, o := range offers {
		if since, ok := d[o.mark()]; ok && since.Add(over).After(end) {
			end = since.Add(over)
		}
	}
	return end
}

// seatDoubt is how long "no seat" is doubted: so that a run that has the whole of its budget for it can end the doubt,
// and no shorter than any account takes to be known everywhere.
func (s Settle) seatDoubt() time.Duration { return max(s.least(), min(seatDoubt, s.Budget/2)) }
