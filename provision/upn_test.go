package provision_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestTheDefaultUPN(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"contractor@example.net":           "contractor",
		"First.Last@example.net":           "first.last",
		"first-last_9@example.net":         "first-last_9",
		"name+newsletter@example.net":      "name",
		"o'neill@example.net":              "oneill",
		`"first last"@example.net`:         "firstlast",
		".dots..everywhere.@example.net":   "dots.everywhere",
		"-dash-@example.net":               "dash",
		"a@b@example.net":                  "ab",
		"josé.núñez@example.net":           "jose.nunez",
		"jose\u0301@example.net":           "jose",
		"MÜLLER@example.net":               "muller",
		"straße@example.net":               "strasse",
		"ærøskøbing@example.net":           "aeroskobing",
		"łukasz.żółć@example.net":          "lukasz.zolc",
		"İstanbul.ışık@example.net":        "istanbul.isik",
		"nguyễn.thị@example.net":           "nguyen.thi",
		"đặng@example.net":                 "dang",
		"ελένη@example.net":                "eleni",
		"щербаков@example.net":             "shcherbakov",
		"ольга@example.net":                "olga",
		"ђорђе@example.net":                "djordje",
		"name😀@example.net":                "name",
		strings.Repeat("x", 80) + "@e.net": strings.Repeat("x", 64),
		strings.Repeat("x", 63) + ".y@e.x": strings.Repeat("x", 63),
	} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			got, err := provision.UPNFromEmail("contoso.com")(provision.Person{Connection: "c", ID: "1", Email: email}, 0)
			require.NoError(t, err)
			require.Equal(t, want+"@contoso.com", got)
		})
	}
}

func TestTheDefaultUPNWithoutAUsableAddressIsAHash(t *testing.T) {
	t.Parallel()
	rule := provision.UPNFromEmail("contoso.com")
	for _, email := range []string{"", "not an address", "@example.net", "+tag@example.net", "...@example.net",
		"小明@example.net", "a小b@example.net", "😀@example.net", "محمد@example.net"} {
		t.Run(email, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			for _, id := range []string{"1", "2"} {
				for attempt := range 20 {
					upn, err := rule(provision.Person{Connection: "c", ID: id, Email: email}, attempt)
					require.NoError(t, err)
					require.Regexp(t, `^user-[0-9a-f]{10}@contoso\.com$`, upn)
					require.False(t, seen[upn], "given twice")
					seen[upn] = true
				}
			}
		})
	}
}

func TestFurtherAttemptsOfTheDefaultUPN(t *testing.T) {
	t.Parallel()
	rule := provision.UPNFromEmail("contoso.com")
	for name, tc := range map[string]struct {
		email   string
		attempt int
		want    string
	}{
		"second":                    {"contractor@example.net", 1, `^contractor2@`},
		"tenth":                     {"contractor@example.net", 9, `^contractor10@`},
		"eleventh":                  {"contractor@example.net", 10, `^contractor-[0-9a-f]{10}@`},
		"long, second":              {strings.Repeat("x", 80) + "@example.net", 1, `^x{63}2@`},
		"long, eleventh":            {strings.Repeat("x", 80) + "@example.net", 10, `^x{53}-[0-9a-f]{10}@`},
		"never a dot before a dash": {strings.Repeat("x", 52) + ".yyyyyyyyyyy@example.net", 10, `^x{52}-[0-9a-f]{10}@`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rule(provision.Person{Connection: "c", ID: "1", Email: tc.email}, tc.attempt)
			require.NoError(t, err)
			require.Regexp(t, tc.want, got)
		})
	}
}

func TestNamesThatCarryAuthorityAreNeverGivenBare(t *testing.T) {
	t.Parallel()
	rule := provision.UPNFromEmail("contoso.com")
	for _, name := range []string{"admin", "Administrator", "postmaster", "hostmaster", "webmaster", "root", "abuse",
		"security", "info", "support", "sys.admin", "no-reply", "mailer-daemon", "ádmin", "admin+x", ".admin."} {
		for attempt := range 20 {
			upn, err := rule(provision.Person{Connection: "c", ID: "1", Email: name + "@example.net"}, attempt)
			require.NoError(t, err)
			require.Regexp(t, `[0-9]@contoso\.com$|-[0-9a-f]{10}@contoso\.com$`, upn)
		}
	}
	upn, err := rule(provision.Person{Connection: "c", ID: "1", Email: "admin@example.net"}, 0)
	require.NoError(t, err)
	require.Equal(t, "admin2@contoso.com", upn)
}

func FuzzUPNFromEmail(f *testing.F) {
	for _, email := range []string{"contractor@example.net", "", "@", "ß@x", "\xff\xfe@x", "İ.@x", strings.Repeat(".", 90) + "@x"} {
		f.Add(email, "104", uint8(0))
	}
	rule := provision.UPNFromEmail(domainOf(48))
	f.Fuzz(func(t *testing.T, email, id string, attempt uint8) {
		person := provision.Person{Connection: "google", ID: id, Email: email}
		upn, err := rule(person, int(attempt))
		require.NoError(t, err)
		require.NoError(t, provision.ValidateUPN(upn))
		require.Equal(t, strings.ToLower(upn), upn)
		require.NotContains(t, upn, "..")
		again, err := rule(person, int(attempt))
		require.NoError(t, err)
		require.Equal(t, upn, again, "a rule has no memory")
		next, err := rule(person, int(attempt)+1)
		require.NoError(t, err)
		require.NotEqual(t, upn, next, fmt.Sprintf("attempt %d repeats itself", attempt))
	})
}
