package main

import (
	"runtime"
	"slices"
)

// mode is how a path is run.
type mode string

const (
	serial   mode = "serial"
	parallel mode = "parallel"
	free     mode = "free"
)

// reference is the name of the path that the others of a mode are compared with.
func (m mode) reference() string {
	if m == free {
		return nameCrewjam
	}
	return nameFloor
}

// workers is how many goroutines run a path at once.
func (m mode) workers() int {
	if m == parallel {
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

// operation is what a cell repeats. It may be called by several goroutines at once.
type operation func() error

// cell is one path in one mode.
type cell struct {
	name string
	mode mode
	work operation
}

// newCells returns the cells in the order in which a round goes through them: those that are compared with each other
// stand together.
func newCells(s *signIn) ([]cell, error) {
	signing, err := newPaths(s, s.key)
	if err != nil {
		return nil, err
	}
	unsigned, err := newPaths(s, newFreeSigner(s.key.Public()))
	if err != nil {
		return nil, err
	}
	reading, err := read(s)
	if err != nil {
		return nil, err
	}
	var cells []cell
	for _, m := range []mode{serial, parallel} {
		cells = append(cells, cell{nameFloor, m, floor(s.key)})
		cells = append(cells, cellsOf(m, signing)...)
	}
	cells = append(cells, cellsOf(free, unsigned)...)
	return append(cells, cell{nameRead, serial, reading}), nil
}

func cellsOf(m mode, paths []path) []cell {
	cells := make([]cell, 0, len(paths))
	for _, p := range paths {
		cells = append(cells, cell{p.name, m, func() error {
			_, err := p.issue()
			return err
		}})
	}
	return cells
}

// reference returns the index of the cell that a cell is compared with.
func reference(cells []cell, of cell) int {
	return slices.IndexFunc(cells, func(c cell) bool { return c.mode == of.mode && c.name == of.mode.reference() })
}
