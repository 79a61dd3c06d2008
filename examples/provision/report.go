package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/provision"
)

// reportLine is what became of one person, or with -dry-run would become.
type reportLine struct {
	Line        int       `json:"line"` // of the input, from 1
	Connection  string    `json:"connection,omitempty"`
	ID          string    `json:"id,omitempty"`
	Outcome     string    `json:"outcome"`
	UPN         string    `json:"upn,omitempty"`
	ImmutableID string    `json:"immutableId,omitempty"`
	ObjectID    string    `json:"objectId,omitempty"`
	Step        string    `json:"step,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Public      string    `json:"public,omitempty"`   // for the person
	Operator    string    `json:"operator,omitempty"` // for whoever runs this
	At          time.Time `json:"at"`
}

func newReportLine(e provision.BulkEvent, line int, at time.Time) reportLine {
	r := reportLine{
		Line: line, Connection: shortened(e.Person.Connection), ID: shortened(e.Person.ID), Outcome: string(e.Outcome), UPN: e.Account.UPN,
		ImmutableID: e.Account.ImmutableID, ObjectID: e.Account.ObjectID, At: at.UTC().Truncate(time.Millisecond),
	}
	if e.Err != nil {
		r.fail(e.Err)
	}
	return r
}

func (r *reportLine) fail(err *provision.Error) {
	r.Step, r.Reason, r.Public, r.Operator = err.Step, string(err.Reason()), err.Public(), shortened(err.Error())
	var bad *peoplefile.LineError
	if errors.As(err, &bad) {
		r.Step, r.Operator = "input", shortened(bad.Err.Error()) // there is no person whom the rest could be about
	}
}

// maxText is how many characters a text of the report has: what an input says of somebody who is refused may be long.
const maxText = 4096

func shortened(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText]) + "…"
}

// report is the file with a line for everybody. Each line is written at once and in one piece, so that the number of its
// whole lines is how far the run came, however it ended.
type report struct {
	file   *os.File // nil: nobody wants one
	failed error    // why nothing more is written
}

// createReport refuses a file that exists: it may be the only record of an earlier run.
func createReport(path string) (*report, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s exists: go on with it by -resume, or give another -report", path)
	}
	return &report{file: file}, err
}

// reopenReport goes on with a report, and counts what is in it. A last line that was not written whole is removed.
func reopenReport(path string, counts *tally) (*report, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	end, err := readReport(file, counts)
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &report{file: file}, nil
}

const maxReportLine = 1 << 20 // bytes; its texts are shortened

// readReport reads whole lines, and returns where the last of them ends.
func readReport(r io.Reader, counts *tally) (end int64, err error) {
	reader := bufio.NewReaderSize(r, maxReportLine)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		var read reportLine
		if err := json.Unmarshal(line, &read); err != nil || read.Outcome == "" {
			return 0, fmt.Errorf("line %d is not one of a report", number)
		}
		counts.add(read)
		end += int64(len(line))
	}
}

// write adds one line.
func (r *report) write(line reportLine) {
	if r.file == nil || r.failed != nil {
		return
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = r.file.Write(append(text, '\n'))
	}
	r.failed = err
}

func (r *report) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.file.Sync(), r.file.Close())
}

// tally counts what became of people.
type tally struct {
	People   int            `json:"people"`
	Outcomes map[string]int `json:"outcomes"`
	Reasons  map[string]int `json:"reasons"`
}

func newTally() tally { return tally{Outcomes: map[string]int{}, Reasons: map[string]int{}} }

func (t *tally) add(line reportLine) {
	t.People++
	t.Outcomes[line.Outcome]++
	if line.Reason != "" {
		t.Reasons[line.Reason]++
	}
}

// failed is how many have no account.
func (t *tally) failed() (n int) {
	for _, count := range t.Reasons {
		n += count
	}
	return n
}
