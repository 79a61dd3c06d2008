package peoplefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine is how long a line of the input may be, in bytes.
const maxLine = 1 << 20

// lineReader reads lines that end in LF or CRLF.
type lineReader struct {
	r      *bufio.Reader
	number int // of the line that was read last, from 1
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 64<<10)} }

// LineError is what is wrong with one line. The next one can be read all the same.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong, without the line.
func (e *LineError) Unwrap() error { return e.Err }

// IsBadLine tells what is wrong with one line from what ends the input.
func IsBadLine(err error) bool {
	var bad *LineError
	return errors.As(err, &bad)
}

// next returns the next line that is not blank, without its end and without a byte order mark. The error is a
// *LineError, io.EOF, or one after which nothing can be read.
func (l *lineReader) next() (string, error) {
	for {
		text, err := l.read()
		if err != nil {
			return "", err
		}
		if l.number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) != "" {
			return text, l.check(text)
		}
	}
}

func (l *lineReader) check(text string) error {
	if !utf8.ValidString(text) {
		return l.wrong(errors.New("it is not valid UTF-8"))
	}
	return nil
}

func (l *lineReader) wrong(err error) error { return &LineError{l.number, err} }

// read returns the next line, and passes over one that is too long.
func (l *lineReader) read() (string, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line) <= maxLine { // of a longer one nothing more is kept
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return "", io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("after line %d: %w", l.number, err)
		}
		l.number++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) > maxLine {
			return "", l.wrong(fmt.Errorf("it has more than %d bytes", maxLine))
		}
		return string(line), nil
	}
}
