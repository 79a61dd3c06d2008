package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/entrafed/entrafed/examples/internal/peoplefile"
	"github.com/entrafed/entrafed/provision"
)

// input is where people come from.
type input struct {
	options peoplefile.Options
	file    *os.File // nil: it is not a file
	reader  *peoplefile.Reader
	total   int      // how many people there are; 0: not known
	unused  []string // columns that give nothing
	skip    int      // how many people were reported by an earlier run

	mu    sync.Mutex
	lines map[int]int // of people who were taken and are not reported, by their index
}

// openInput opens the input, and goes through a file once to count the people in it.
func (p program) openInput(ctx context.Context, f flags) (in *input, err error) {
	in = &input{
		options: peoplefile.Options{Format: f.format, Connection: f.connection, Columns: f.columns},
		lines:   map[int]int{},
	}
	if f.file == "-" {
		in.reader, err = peoplefile.NewReader(newInterruptible(ctx, p.Stdin), in.options)
		return in, err
	}
	if in.file, err = os.Open(f.file); err != nil {
		return nil, err
	}
	if err := in.count(); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// count goes through the file and back.
func (in *input) count() error {
	info, err := in.file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file: give - to read standard input", in.file.Name())
	}
	if in.reader, err = peoplefile.NewReader(in.file, in.options); err != nil {
		return err
	}
	for {
		_, err := in.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil && !peoplefile.IsBadLine(err) {
			return err
		}
		in.total++
	}
	in.unused = in.reader.UnusedColumns()
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in.reader, err = peoplefile.NewReader(in.file, in.options)
	return err
}

func (in *input) close() {
	if in.file != nil {
		_ = in.file.Close() // it was only read
	}
}

// people are all people of the input, and errors in the place of those who cannot be read. It is called once.
func (in *input) people() iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		for index := 0; ; index++ {
			p, err := in.reader.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if index >= in.skip {
				in.took(index, in.reader.Line())
			}
			if !yield(p, err) || err != nil && !peoplefile.IsBadLine(err) {
				return
			}
		}
	}
}

func (in *input) took(index, line int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lines[index] = line
}

// lineOf is the line of a person who is reported now. Those before were skipped.
func (in *input) lineOf(index int) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	line := in.lines[index]
	delete(in.lines, index)
	return line
}

// interruptible is a reader that stops waiting when ctx ends. Whoever reads from a terminal or from another program would
// otherwise wait for these.
type interruptible struct {
	ctx  context.Context
	read chan chunk
	left []byte
	err  error
}

type chunk struct {
	bytes []byte
	err   error
}

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	i := &interruptible{ctx: ctx, read: make(chan chunk)}
	go i.pump(r)
	return i
}

// pump reads ahead by one buffer. It may be left behind in its Read when the program ends.
func (i *interruptible) pump(r io.Reader) {
	for {
		buffer := make([]byte, 32<<10)
		n, err := r.Read(buffer)
		select {
		case i.read <- chunk{buffer[:n], err}:
		case <-i.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader.
func (i *interruptible) Read(b []byte) (int, error) {
	for len(i.left) == 0 {
		if i.err != nil {
			return 0, i.err
		}
		select {
		case c := <-i.read:
			i.left, i.err = c.bytes, c.err
		case <-i.ctx.Done():
			i.err = i.ctx.Err()
		}
	}
	n := copy(b, i.left)
	i.left = i.left[n:]
	return n, nil
}
