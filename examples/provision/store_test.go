package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/provision"
)

func record(id, upn string) provision.Record {
	return provision.Record{Key: provision.PersonKey{Connection: "google", ID: id}, ImmutableID: "i" + id, UPN: upn}
}

func TestThePassingStoreKeepsPeopleApart(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newPassingStore()
	first, err := s.Reserve(ctx, record("1", "a@contoso.com"))
	require.NoError(t, err)
	require.Equal(t, int64(1), first.Version)
	again, err := s.Reserve(ctx, record("1", "b@contoso.com"))
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = s.Reserve(ctx, record("2", "A@contoso.com"))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
	same := record("2", "b@contoso.com")
	same.ImmutableID = first.ImmutableID
	_, err = s.Reserve(ctx, same)
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)

	moved := first
	moved.UPN = "c@contoso.com"
	moved, err = s.Save(ctx, moved)
	require.NoError(t, err)
	require.Equal(t, int64(2), moved.Version)
	_, err = s.Save(ctx, first)
	require.ErrorIs(t, err, provision.ErrStaleRecord)
	loaded, err := s.Load(ctx, first.Key)
	require.NoError(t, err)
	require.Equal(t, moved, loaded)
	_, err = s.Reserve(ctx, record("2", "a@contoso.com"))
	require.NoError(t, err, "what is not held any more is free")
}

func TestThePassingStoreForgetsWhoIsReported(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newPassingStore()
	rec, err := s.Reserve(ctx, record("1", "a@contoso.com"))
	require.NoError(t, err)
	s.forget(rec.Key)
	s.forget(rec.Key)
	require.Empty(t, s.records)
	require.Empty(t, s.upns)
	require.Empty(t, s.immutableIDs)
	_, err = s.Load(ctx, rec.Key)
	require.ErrorIs(t, err, provision.ErrNoRecord)
	rec, err = s.Save(ctx, rec)
	require.NoError(t, err, "a second run for the person may still be under way")
	require.Equal(t, int64(2), rec.Version)
}

func TestThePassingStoreStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newPassingStore()
	cancel()
	_, err := s.Reserve(ctx, record("1", "a@contoso.com"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Save(ctx, record("1", "a@contoso.com"))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.records)
}

// The memory of the command does not grow with its input.
func TestARunForgetsEverybody(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.Stdout, p.Stderr = t.Output(), t.Output()
	f, err := parseFlags([]string{"-simulate", commandtest.Keep(t, "people.csv", crowd(100))})
	require.NoError(t, err)
	j, err := p.prepare(t.Context(), f)
	require.NoError(t, err)
	defer j.close()
	require.Equal(t, command.ExitOK, j.provision(t.Context()))
	require.Empty(t, j.store.records)
	require.Empty(t, j.input.lines)
}
