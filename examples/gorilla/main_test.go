package main

import (
	"testing"

	"github.com/entrafed/entrafed/examples/internal/demonstration/demonstrationtest"
)

func TestSomebodySignsInFromASmartLink(t *testing.T) {
	t.Parallel()
	demonstrationtest.SignsIn(t, newApplication)
}

func TestWhatTheHostAddsIsShort(t *testing.T) {
	t.Parallel()
	demonstrationtest.AddsAtMost(t, 30, "main.go")
}
