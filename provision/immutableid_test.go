package provision_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestImmutableIDFromSubject(t *testing.T) {
	t.Parallel()
	// The definition, spelled out: SHA-256 over length, connection, length, subject; the first half in hexadecimal.
	var b []byte
	for _, part := range []string{"google", "104"} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	require.Equal(t, hex.EncodeToString(sum[:16]), provision.ImmutableIDFromSubject("google", "104"))
	require.Equal(t, "7614ccac96d8569a50e7d1060dd9e897", provision.ImmutableIDFromSubject("google", "104"),
		"this value never changes: accounts in use depend on it")

	seen := map[string][2]string{}
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a", "BC"}, {"bc", "a"}} {
		id := provision.ImmutableIDFromSubject(pair[0], pair[1])
		require.Regexp(t, `^[0-9a-f]{32}$`, id)
		require.NotContains(t, seen, id)
		seen[id] = pair
	}
}

// The first three groups of a GUID are little-endian in Active Directory:
// 00112233-4455-6677-8899-aabbccddeeff is stored as 33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff.
func TestImmutableIDFromObjectGUID(t *testing.T) {
	t.Parallel()
	stored, err := hex.DecodeString("33221100554477668899aabbccddeeff")
	require.NoError(t, err)
	want := "MyIRAFVEd2aImaq7zN3u/w=="
	require.Equal(t, want, base64.StdEncoding.EncodeToString(stored))
	for _, guid := range []string{"00112233-4455-6677-8899-aabbccddeeff", "{00112233-4455-6677-8899-AABBCCDDEEFF}"} {
		got, err := provision.ImmutableIDFromObjectGUID(guid)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := provision.ImmutableIDFromObjectGUIDBytes(stored)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, provision.ValidateImmutableID(got))

	for _, n := range []int{0, 15, 17, 36} {
		_, err := provision.ImmutableIDFromObjectGUIDBytes(make([]byte, n))
		require.ErrorContains(t, err, "16 bytes")
	}
}

func TestImmutableIDFromUUID(t *testing.T) {
	t.Parallel()
	got, err := provision.ImmutableIDFromUUID("00112233-4455-6677-8899-AABBCCDDEEFF")
	require.NoError(t, err)
	require.Equal(t, "00112233445566778899aabbccddeeff", got)
	require.Empty(t, provision.ImmutableIDWarnings(got))
}

func TestImmutableIDFromBase64OfUUIDText(t *testing.T) {
	t.Parallel()
	got, err := provision.ImmutableIDFromBase64OfUUIDText("00112233-4455-6677-8899-aabbccddeeff")
	require.NoError(t, err)
	require.Equal(t, "MDAxMTIyMzMtNDQ1NS02Njc3LTg4OTktYWFiYmNjZGRlZWZm", got)
	require.Len(t, got, 48)
	require.NoError(t, provision.ValidateImmutableID(got))
	_, err = provision.ImmutableIDFromBase64OfUUIDText("{00112233-4455-6677-8899-aabbccddeeff}")
	require.ErrorContains(t, err, "36 characters")
}

func TestWhatIsNotAUUIDIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "{}", "{", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0", "0011223-34455-6677-8899-aabbccddeeff",
		"g0112233-4455-6677-8899-aabbccddeeff", " 00112233-4455-6677-8899-aabbccddeeff",
		"urn:uuid:00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff}"} {
		for name, parse := range map[string]func(string) (string, error){
			"ObjectGUID": provision.ImmutableIDFromObjectGUID, "UUID": provision.ImmutableIDFromUUID,
			"base64 of the text": provision.ImmutableIDFromBase64OfUUIDText,
		} {
			_, err := parse(s)
			require.ErrorContains(t, err, "not a UUID", "%s of %q", name, s)
		}
	}
}

func TestImmutableIDFromEmail(t *testing.T) {
	t.Parallel()
	got, err := provision.ImmutableIDFromEmail("First.Last+x@Example.net")
	require.NoError(t, err)
	require.Equal(t, "first.last+x@example.net", got)
	for email, want := range map[string]string{
		"first_last@example.net":                 `"$" or a "_"`,
		"a$b@example.net":                        `"$" or a "_"`,
		strings.Repeat("x", 53) + "@example.net": "64 are allowed",
		"a b@example.net":                        "white space",
		"nobody":                                 "not an address",
		"@example.net":                           "not an address",
		"a@":                                     "not an address",
		"a@b@example.net":                        "not an address",
	} {
		_, err := provision.ImmutableIDFromEmail(email)
		require.ErrorContains(t, err, want, email)
	}
}

func TestImmutableIDWarnings(t *testing.T) {
	t.Parallel()
	for id, want := range map[string][]string{
		"00112233445566778899aabbccddeeff": nil,
		"abc-DEF.9":                        nil,
		"MyIRAFVEd2aImaq7zN3u/w==":         {"base64"},
		"a+b":                              {"base64"},
		"first.last@example.net":           {"address"},
		"é":                                {"outside ASCII"},
		"a|b":                              {"other than letters"},
		"a+b@é|":                           {"base64", "address", "outside ASCII", "other than letters"},
	} {
		require.NoError(t, provision.ValidateImmutableID(id))
		got := provision.ImmutableIDWarnings(id)
		require.Len(t, got, len(want), id)
		for i := range want {
			require.Contains(t, got[i], want[i])
		}
	}
	require.Error(t, provision.ValidateImmutableID(""))
	require.Empty(t, provision.ImmutableIDWarnings(""))
}

func FuzzImmutableID(f *testing.F) {
	for _, s := range []string{"00112233-4455-6677-8899-aabbccddeeff", "first.last@example.net", "", "\xff", "{}", "a\u200b@b"} {
		f.Add(s, []byte(s))
	}
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		id := provision.ImmutableIDFromSubject(s, string(b))
		require.NoError(t, provision.ValidateImmutableID(id))
		require.Empty(t, provision.ImmutableIDWarnings(id))
		guid, guidErr := provision.ImmutableIDFromObjectGUID(s)
		uuid, uuidErr := provision.ImmutableIDFromUUID(s)
		require.Equal(t, guidErr == nil, uuidErr == nil, "both read the same texts")
		for id, err := range map[string]error{guid: guidErr, uuid: uuidErr} {
			if err == nil {
				require.NoError(t, provision.ValidateImmutableID(id))
			}
		}
		if id, err := provision.ImmutableIDFromEmail(s); err == nil {
			require.NoError(t, provision.ValidateImmutableID(id))
		}
		if id, err := provision.ImmutableIDFromObjectGUIDBytes(b); err == nil {
			back, err := base64.StdEncoding.DecodeString(id)
			require.NoError(t, err)
			require.Equal(t, b, back)
		}
		if id, err := provision.ImmutableIDFromBase64OfUUIDText(s); err == nil {
			require.Len(t, id, 48)
		}
		provision.ImmutableIDWarnings(s)
	})
}
