package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// lookalikes are keys that differ, but not to everything that compares text.
func lookalikes() []provision.PersonKey {
	return []provision.PersonKey{
		{Connection: "google", ID: "a"}, {Connection: "google", ID: "A"}, {Connection: "Google", ID: "a"},
		{Connection: "google", ID: "a "}, {Connection: "google", ID: " a"}, {Connection: "google ", ID: "a"},
		{Connection: "googlea", ID: ""}, {Connection: "", ID: "googlea"},
		{Connection: "google|a", ID: "b"}, {Connection: "google", ID: "a|b"},
		{Connection: "google", ID: "é"}, {Connection: "google", ID: "e\u0301"}, {Connection: "google", ID: "e"},
		{Connection: "google", ID: "ß"}, {Connection: "google", ID: "ss"},
		{Connection: "google", ID: "1"}, {Connection: "google", ID: "01"}, {Connection: "google", ID: "1.0"},
		{Connection: "google", ID: "_"}, {Connection: "google", ID: "%"}, {Connection: "google", ID: `\`},
	}
}

func keysAreExact(t *testing.T, s provision.Store) {
	var records []provision.Record
	for i, key := range lookalikes() {
		rec := record("", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
		rec.Key = key
		requireUnknown(t, s, key)
		records = append(records, reserve(t, s, rec))
	}
	for i, rec := range records {
		requireStored(t, s, rec)
		records[i] = save(t, s, rec)
	}
	for _, rec := range records {
		requireStored(t, s, rec)
	}
}

func immutableIDsAreExact(t *testing.T, s provision.Store) {
	for i, id := range []string{"abc+/=", "ABC+/=", "abc+/", "abc+/= ", "é", "e\u0301", "e", "1", "01"} {
		reserve(t, s, record(fmt.Sprint(i), id, fmt.Sprintf("u%d@contoso.com", i)))
	}
}

func upnsAreFolded(t *testing.T, s provision.Store) {
	one := reserve(t, s, record("1", "id-1", "First.Last-I@Contoso.com"))
	require.Equal(t, "First.Last-I@Contoso.com", one.UPN)
	requireStored(t, s, one)
	two := reserve(t, s, record("2", "id-2", "two@contoso.com"))
	for _, upn := range []string{
		"First.Last-I@Contoso.com", "first.last-i@contoso.com", "FIRST.LAST-I@CONTOSO.COM",
	} {
		_, err := s.Reserve(t.Context(), record("3", "id-3", upn))
		require.ErrorIs(t, err, provision.ErrUPNTaken, upn)
		two.UPN = upn
		_, err = s.Save(t.Context(), two)
		require.ErrorIs(t, err, provision.ErrUPNTaken, upn)
	}
	for i, upn := range []string{
		"firstlast-i@contoso.com", "first.last-i@contoso.com ", "first.last-i@contoso.co", "first_last-i@contoso.com",
		"f%@contoso.com",
	} {
		reserve(t, s, record(fmt.Sprint("other", i), fmt.Sprint("id-other-", i), upn))
	}
}

func directoryUPNsAreFree(t *testing.T, s provision.Store) {
	one := record("1", "id-1", "one@contoso.com")
	one.DirectoryUPN = "two@contoso.com" // as after the loss of an earlier store
	two := record("2", "id-2", "two@contoso.com")
	two.DirectoryUPN = "one@contoso.com"
	three := record("3", "id-3", "three@contoso.com")
	three.DirectoryUPN = "TWO@contoso.com"
	for _, rec := range []provision.Record{one, two, three} {
		rec = reserve(t, s, rec)
		requireStored(t, s, rec)
		requireStored(t, s, save(t, s, rec))
	}
}

func emptyIsAValue(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "", "one@contoso.com"))
	reserve(t, s, record("2", "id-2", ""))
	_, err := s.Reserve(t.Context(), record("3", "", "three@contoso.com"))
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
	_, err = s.Reserve(t.Context(), record("3", "id-3", ""))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
}
