package smartlink_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

// refusedTargets is every rule about targets, broken one at a time.
var refusedTargets = []struct {
	rule, target string
	want         error
}{
	{"empty", "", smartlink.ErrTargetSyntax},
	{"longer than 4096 bytes", "https://contoso.sharepoint.com/" + strings.Repeat("a", 4096), smartlink.ErrTooLong},
	{"not UTF-8", "https://contoso.sharepoint.com/\xff", smartlink.ErrTargetSyntax},

	{"relative path", "/sites/hr", smartlink.ErrTargetScheme},
	{"host without a scheme", "contoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"scheme-relative", "//evil.example", smartlink.ErrTargetScheme},
	{"three slashes and no scheme", "///evil.example", smartlink.ErrTargetScheme},
	{"scheme-relative to an allowed host", "//contoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"http", "http://contoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"no slashes after the scheme", "https:evil.example", smartlink.ErrTargetScheme},
	{"no slashes before an allowed host", "https:contoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"one slash after the scheme", "https:/evil.example", smartlink.ErrTargetScheme},
	{"javascript", "javascript:alert(1)", smartlink.ErrTargetScheme},
	{"javascript that looks like a host", "javascript://contoso.sharepoint.com/%0aalert(1)", smartlink.ErrTargetScheme},
	{"data", "data:text/html,<script>alert(1)</script>", smartlink.ErrTargetScheme},
	{"vbscript", "vbscript:msgbox(1)", smartlink.ErrTargetScheme},
	{"blob", "blob:https://contoso.sharepoint.com/1", smartlink.ErrTargetScheme},
	{"ftp", "ftp://contoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"encoded scheme", "https%3A%2F%2Fcontoso.sharepoint.com", smartlink.ErrTargetScheme},
	{"scheme with a long s", "httpſ://contoso.sharepoint.com", smartlink.ErrTargetScheme},

	{"backslashes for slashes", `https:\\evil.example`, smartlink.ErrTargetSyntax},
	{"backslash after the slashes", `https://\evil.example`, smartlink.ErrTargetSyntax},
	{"backslash that ends the host", `https://evil.example\.sharepoint.com`, smartlink.ErrTargetSyntax},
	{"backslash before an @", `https://evil.example\@contoso.sharepoint.com`, smartlink.ErrTargetSyntax},
	{"backslash in the query", `https://contoso.sharepoint.com/?a=\`, smartlink.ErrTargetSyntax},
	{"tab in the scheme", "ht\ttps://evil.example", smartlink.ErrTargetSyntax},
	{"tab between the slashes", "https:/\t/evil.example", smartlink.ErrTargetSyntax},
	{"newline in the host", "https://evil.example\n.sharepoint.com", smartlink.ErrTargetSyntax},
	{"carriage return in the path", "https://contoso.sharepoint.com/\rSet-Cookie: a=b", smartlink.ErrTargetSyntax},
	{"NUL in the host", "https://evil.example\x00.sharepoint.com", smartlink.ErrTargetSyntax},
	{"DEL in the path", "https://contoso.sharepoint.com/\x7f", smartlink.ErrTargetSyntax},
	{"C1 control in the path", "https://contoso.sharepoint.com/\u0085", smartlink.ErrTargetSyntax},
	{"leading space", " https://contoso.sharepoint.com", smartlink.ErrTargetSyntax},
	{"trailing space", "https://contoso.sharepoint.com/a ", smartlink.ErrTargetSyntax},
	{"bad escape in the path", "https://contoso.sharepoint.com/%zz", smartlink.ErrTargetSyntax},
	{"bad escape in the fragment", "https://contoso.sharepoint.com/#%zz", smartlink.ErrTargetSyntax},

	{"no host", "https://", smartlink.ErrTargetHost},
	{"surplus slash", "https:///evil.example", smartlink.ErrTargetHost},
	{"surplus slash before an allowed host", "https:///contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"query for a host", "https://?contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"user name that looks like the host", "https://contoso.sharepoint.com@evil.example", smartlink.ErrTargetHost},
	{"user and password", "https://contoso.sharepoint.com:443@evil.example", smartlink.ErrTargetHost},
	{"user name before an allowed host", "https://evil.example@contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"empty user name", "https://@contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"two @", "https://a@evil.example@contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"encoded @", "https://contoso.sharepoint.com%40evil.example", smartlink.ErrTargetHost},
	{"encoded slash in the host", "https://evil.example%2f.sharepoint.com", smartlink.ErrTargetHost},
	{"encoded slashes in the host", "https://evil.example%2f%2f.sharepoint.com", smartlink.ErrTargetHost},
	{"double-encoded slash in the host", "https://evil.example%252f.sharepoint.com", smartlink.ErrTargetHost},
	{"encoded dot in the host", "https://contoso%2esharepoint.com", smartlink.ErrTargetHost},
	{"encoded question mark in the host", "https://evil.example%3f.sharepoint.com", smartlink.ErrTargetHost},
	{"encoded number sign in the host", "https://evil.example%23.sharepoint.com", smartlink.ErrTargetHost},
	{"encoded NUL in the host", "https://evil.example%00.sharepoint.com", smartlink.ErrTargetHost},
	{"fragment that holds the allowed host", "https://evil.example#.sharepoint.com", smartlink.ErrTargetHost},
	{"query that holds the allowed host", "https://evil.example?.sharepoint.com", smartlink.ErrTargetHost},
	{"path that holds the allowed host", "https://evil.example/contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"semicolon in the host", "https://evil.example;.sharepoint.com", smartlink.ErrTargetHost},
	{"space in the host", "https://evil.example .sharepoint.com", smartlink.ErrTargetHost},
	{"underscore in the host", "https://a_b.sharepoint.com", smartlink.ErrTargetHost},

	{"other host", "https://evil.example", smartlink.ErrTargetHost},
	{"suffix without a dot", "https://evil-sharepoint.com", smartlink.ErrTargetHost},
	{"suffix run together", "https://evilsharepoint.com", smartlink.ErrTargetHost},
	{"allowed host as a prefix", "https://contoso.sharepoint.com.evil.example", smartlink.ErrTargetHost},
	{"allowed domain as a prefix", "https://sharepoint.com.evil.net", smartlink.ErrTargetHost},
	{"other top-level domain", "https://contoso.sharepoint.co", smartlink.ErrTargetHost},
	{"top-level domain alone", "https://com", smartlink.ErrTargetHost},
	{"trailing dot", "https://contoso.sharepoint.com.", smartlink.ErrTargetHost},
	{"trailing dot before a path", "https://contoso.sharepoint.com./sites", smartlink.ErrTargetHost},
	{"leading dot", "https://.sharepoint.com", smartlink.ErrTargetHost},
	{"two dots", "https://contoso..sharepoint.com", smartlink.ErrTargetHost},
	{"ideographic full stop", "https://evil.example。sharepoint.com", smartlink.ErrTargetHost},
	{"fullwidth full stop", "https://contoso．sharepoint.com", smartlink.ErrTargetHost},
	{"halfwidth full stop", "https://contoso｡sharepoint.com", smartlink.ErrTargetHost},
	{"Cyrillic letter", "https://contoso.shаrepoint.com", smartlink.ErrTargetHost},
	{"fullwidth letter", "https://contoso.ｓharepoint.com", smartlink.ErrTargetHost},
	{"long s", "https://contoso.ſharepoint.com", smartlink.ErrTargetHost},
	{"soft hyphen", "https://contoso.share\u00adpoint.com", smartlink.ErrTargetHost},
	{"fullwidth solidus", "https://evil.example／.sharepoint.com", smartlink.ErrTargetHost},
	{"account of", "https://evil.example℀.sharepoint.com", smartlink.ErrTargetHost},
	{"zero-width space", "https://contoso.sharepoint\u200b.com", smartlink.ErrTargetHost},

	{"port", "https://contoso.sharepoint.com:8443", smartlink.ErrTargetHost},
	{"default port", "https://contoso.sharepoint.com:443", smartlink.ErrTargetHost},
	{"empty port", "https://contoso.sharepoint.com:", smartlink.ErrTargetHost},
	{"port that is a host", "https://contoso.sharepoint.com:evil.example", smartlink.ErrTargetHost},
	{"IPv4", "https://192.0.2.1", smartlink.ErrTargetHost},
	{"IPv4 as one number", "https://3221225985", smartlink.ErrTargetHost},
	{"IPv4 in hexadecimal", "https://0xC0000201", smartlink.ErrTargetHost},
	{"IPv4 with a hexadecimal end", "https://192.0.2.0x1", smartlink.ErrTargetHost},
	{"IPv6", "https://[2001:db8::1]", smartlink.ErrTargetHost},
	{"IPv6 with an allowed host for a zone", "https://[::1%25contoso.sharepoint.com]", smartlink.ErrTargetHost},
	{"IPv6 before an allowed host", "https://[::1]contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"unclosed bracket", "https://[contoso.sharepoint.com", smartlink.ErrTargetHost},
	{"loopback name", "https://localhost", smartlink.ErrTargetHost},
	{"loopback address", "https://127.0.0.1", smartlink.ErrTargetHost},
	{"loopback over http", "http://localhost:8080", smartlink.ErrTargetScheme},
	{"label of 64 characters", "https://" + strings.Repeat("a", 64) + ".sharepoint.com", smartlink.ErrTargetHost},
	{"label that begins with a hyphen", "https://-a.sharepoint.com", smartlink.ErrTargetHost},
	{"label that ends with a hyphen", "https://a-.sharepoint.com", smartlink.ErrTargetHost},

	{"the sign-in service", "https://login.microsoftonline.com/common/oauth2/logout", smartlink.ErrTargetHost},
	{"a smart link inside", "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&wreply=https://evil.example",
		smartlink.ErrTargetHost},
	{"below the sign-in service", "https://ccs.login.microsoftonline.com/login.srf", smartlink.ErrTargetHost},
	{"another sign-in service", "https://login-us.microsoftonline.com", smartlink.ErrTargetHost},
	{"Safe Links", "https://nam01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fevil.example",
		smartlink.ErrTargetHost},
	{"a virtual machine of any customer", "https://evil.westeurope.cloudapp.azure.com", smartlink.ErrTargetHost},
	{"a trigger of any customer", "https://prod-01.westus.logic.azure.com/workflows/1", smartlink.ErrTargetHost},
	{"a host of another cloud", "https://contoso.sharepoint.cn", smartlink.ErrTargetHost},
}

func TestRefusedTargets(t *testing.T) {
	t.Parallel()
	for _, test := range refusedTargets {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			u, err := smartlink.Policy{}.CheckTarget(test.target)
			require.ErrorIs(t, err, test.want)
			require.Nil(t, u)
			var linkError *smartlink.LinkError
			require.ErrorAs(t, err, &linkError)
			require.Equal(t, "Target", linkError.Field)
			require.NotEmpty(t, linkError.Reason)
		})
	}
}

// acceptedTargets is what a target may hold.
var acceptedTargets = []struct{ what, target string }{
	{"host alone", "https://contoso.sharepoint.com"},
	{"the allowed domain itself", "https://outlook.com/"},
	{"upper case", "HTTPS://Contoso.SharePoint.COM/Sites/HR"},
	{"query", "https://contoso.sharepoint.com/sites/hr?a=1&b=2"},
	{"fragment", "https://contoso.sharepoint.com/sites/hr#InplviewHash=a"},
	{"query and fragment", "https://outlook.office365.com/owa/?realm=contoso.com#path=/mail"},
	{"fragment with an @", "https://portal.azure.com/#@contoso.com/resource"},
	{"path with an @", "https://contoso.sharepoint.com/a@b"},
	{"empty query", "https://contoso.sharepoint.com/?"},
	{"empty fragment", "https://contoso.sharepoint.com/#"},
	{"plus sign", "https://contoso.sharepoint.com/a+b?c=d+e"},
	{"space", "https://contoso.sharepoint.com/Shared Documents/a b?c=d e"},
	{"encoded space", "https://contoso.sharepoint.com/Shared%20Documents"},
	{"encoded percent sign", "https://contoso.sharepoint.com/100%25"},
	{"bare percent sign in the query", "https://contoso.sharepoint.com/?q=100%"},
	{"Unicode", "https://contoso.sharepoint.com/sites/Büro/日本語?q=é#ü"},
	{"lower-case escapes", "https://portal.office.com/landing.aspx?target=%2fdefault.aspx"},
	{"URL encoded inside",
		"https://contoso.sharepoint.com/_layouts/15/a.aspx?u=https%3A%2F%2Fcontoso.sharepoint.com%2F%3Fb%3D1"},
	{"URL encoded twice inside",
		"https://contoso.sharepoint.com/?u=https%253A%252F%252Fcontoso.com%252F%253Fa%253D1%2526b"},
	{"URL bare inside", "https://contoso.sharepoint.com/?u=https://contoso.com/?a=1"},
	{"semicolon", "https://contoso.sharepoint.com/a;b?c;d"},
	{"quotes and angle brackets", `https://contoso.sharepoint.com/"><script>?'"`},
	{"tenant whose name begins with login", "https://loginsight.sharepoint.com/"},
	{"host of digits", "https://365.sharepoint.com/"},
	{"punycode", "https://xn--bro-hoa.sharepoint.com/"},
	{"new application domain", "https://teams.cloud.microsoft/"},
	{"registration of security information", "https://account.activedirectory.windowsazure.com/Proofup.aspx"},
	{"longest", "https://contoso.sharepoint.com/" + strings.Repeat("ü", (4096-31)/2)},
}

func TestAcceptedTargets(t *testing.T) {
	t.Parallel()
	for _, test := range acceptedTargets {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			u, err := smartlink.Policy{}.CheckTarget(test.target)
			require.NoError(t, err)
			require.Equal(t, "https", u.Scheme)

			want := smartlink.Link{Domain: "contoso.com", Target: test.target}
			link, err := want.URL()
			require.NoError(t, err)
			got, err := smartlink.Policy{}.Parse(link)
			require.NoError(t, err)
			require.Equal(t, want, got, "the target comes back byte for byte")
		})
	}
}

func TestBrowserSeesTheSameHost(t *testing.T) {
	t.Parallel()
	for _, test := range acceptedTargets {
		u, err := smartlink.Policy{}.CheckTarget(test.target)
		require.NoError(t, err)
		require.Equal(t, strings.ToLower(u.Host), browserHost(test.target), test.what)
	}
}

func TestTargetHosts(t *testing.T) {
	t.Parallel()
	loopback := entrafed.Global()
	loopback.InsecureLoopback = true
	narrow := entrafed.Global()
	narrow.Hosts = []string{"contoso.sharepoint.com"}
	extra := smartlink.Policy{Hosts: []string{"apps.contoso.com"}}

	for _, test := range []struct {
		rule, target string
		policy       smartlink.Policy
		want         error
	}{
		{"a host of the policy", "https://apps.contoso.com/", extra, nil},
		{"below a host of the policy", "https://crm.apps.contoso.com/", extra, nil},
		{"without regard to case", "https://CRM.Apps.Contoso.Com/", extra, nil},
		{"beside a host of the policy", "https://badapps.contoso.com/", extra, smartlink.ErrTargetHost},
		{"above a host of the policy", "https://contoso.com/", extra, smartlink.ErrTargetHost},
		{"the cloud's hosts remain", "https://contoso.sharepoint.com/", extra, nil},
		{"a virtual machine of one's own", "https://crm.westeurope.cloudapp.azure.com/",
			smartlink.Policy{Hosts: []string{"crm.westeurope.cloudapp.azure.com"}}, nil},
		{"one tenant only", "https://contoso.sharepoint.com/", smartlink.Policy{Cloud: narrow}, nil},
		{"another tenant", "https://other.sharepoint.com/", smartlink.Policy{Cloud: narrow}, smartlink.ErrTargetHost},
		{"China", "https://contoso.sharepoint.cn/", smartlink.Policy{Cloud: entrafed.China()}, nil},
		{"China's sign-in service", "https://login.partner.microsoftonline.cn/",
			smartlink.Policy{Cloud: entrafed.China()}, smartlink.ErrTargetHost},
		{"GCC High", "https://contoso.sharepoint.us/", smartlink.Policy{Cloud: entrafed.USGovernmentHigh()}, nil},
		{"DoD", "https://contoso.sharepoint-mil.us/", smartlink.Policy{Cloud: entrafed.USGovernmentDoD()}, nil},
		{"worldwide host in China", "https://contoso.sharepoint.com/", smartlink.Policy{Cloud: entrafed.China()},
			smartlink.ErrTargetHost},

		{"loopback name", "http://localhost:8080/app", smartlink.Policy{Cloud: loopback}, nil},
		{"loopback IPv4", "http://127.0.0.1:8080/app", smartlink.Policy{Cloud: loopback}, nil},
		{"loopback IPv6", "http://[::1]:8080/app", smartlink.Policy{Cloud: loopback}, nil},
		{"loopback over https", "https://localhost:8443/app", smartlink.Policy{Cloud: loopback}, nil},
		{"http elsewhere", "http://contoso.sharepoint.com/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetScheme},
		{"loopback as a prefix", "http://localhost.evil.example/", smartlink.Policy{Cloud: loopback},
			smartlink.ErrTargetScheme},
		{"loopback with credentials", "http://localhost@evil.example/", smartlink.Policy{Cloud: loopback},
			smartlink.ErrTargetScheme},
		{"loopback with a long s", "http://localhoſt/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetScheme},
		{"loopback with an empty port", "https://localhost:/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetHost},
		{"loopback with port 0", "https://localhost:0/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetHost},
		{"loopback with port 65536", "https://localhost:65536/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetHost},
		{"short IPv4", "https://127.1/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetHost},
		{"other IPv4", "https://192.0.2.1/", smartlink.Policy{Cloud: loopback}, smartlink.ErrTargetHost},
		{"port elsewhere", "https://contoso.sharepoint.com:8443/", smartlink.Policy{Cloud: loopback},
			smartlink.ErrTargetHost},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			_, err := test.policy.CheckTarget(test.target)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, test.want)
		})
	}
}

func TestRefusedPolicies(t *testing.T) {
	t.Parallel()
	withLogin := func(login string) entrafed.Cloud {
		cloud := entrafed.Global()
		cloud.Login = login
		return cloud
	}
	for _, test := range []struct {
		rule   string
		policy smartlink.Policy
		field  string
	}{
		{"host with a wildcard", smartlink.Policy{Hosts: []string{"*.contoso.com"}}, "Policy.Hosts[0]"},
		{"host with a leading dot", smartlink.Policy{Hosts: []string{"a.contoso.com", ".contoso.com"}}, "Policy.Hosts[1]"},
		{"host with a scheme", smartlink.Policy{Hosts: []string{"https://contoso.com"}}, "Policy.Hosts[0]"},
		{"host with a port", smartlink.Policy{Hosts: []string{"contoso.com:8443"}}, "Policy.Hosts[0]"},
		{"top-level domain", smartlink.Policy{Hosts: []string{"com"}}, "Policy.Hosts[0]"},
		{"empty host", smartlink.Policy{Hosts: []string{""}}, "Policy.Hosts[0]"},
		{"IP address", smartlink.Policy{Hosts: []string{"192.0.2.1"}}, "Policy.Hosts[0]"},
		{"host of the cloud", smartlink.Policy{Cloud: entrafed.Cloud{Login: "https://login.microsoftonline.com",
			Hosts: []string{"com"}}}, "Policy.Cloud.Hosts[0]"},
		{"cloud without a sign-in service", smartlink.Policy{Cloud: entrafed.Cloud{Name: "Other"}}, "Policy.Cloud.Login"},
		{"sign-in service over http", smartlink.Policy{Cloud: withLogin("http://login.microsoftonline.com")},
			"Policy.Cloud.Login"},
		{"sign-in service with a path", smartlink.Policy{Cloud: withLogin("https://login.microsoftonline.com/")},
			"Policy.Cloud.Login"},
		{"sign-in service on loopback", smartlink.Policy{Cloud: withLogin("http://127.0.0.1:8080")}, "Policy.Cloud.Login"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			calls := map[string]func() error{
				"CheckTarget": func() error { _, err := test.policy.CheckTarget("https://contoso.sharepoint.com"); return err },
				"Build":       func() error { _, err := test.policy.Build(smartlink.Link{Domain: "contoso.com"}); return err },
				"Parse":       func() error { _, err := test.policy.Parse("https://outlook.com/contoso.com"); return err },
				"BuildStart":  func() error { _, err := test.policy.BuildStart(smartlink.Start{Base: base}); return err },
				"ParseStart":  func() error { _, err := test.policy.ParseStart(base); return err },
				"ReadStart":   func() error { _, err := test.policy.ReadStart(get("")); return err },
				"NewHandler": func() error {
					_, err := smartlink.NewHandler(smartlink.HandlerConfig{Policy: test.policy, Domain: "contoso.com"})
					return err
				},
			}
			for name, call := range calls {
				err := call()
				require.ErrorIs(t, err, smartlink.ErrPolicy, name)
				var linkError *smartlink.LinkError
				require.ErrorAs(t, err, &linkError, name)
				require.Equal(t, test.field, linkError.Field, name)
			}
		})
	}
}

func TestTargetErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ target, want string }{
		{
			"https://files.example.net/a?token=secret",
			`smartlink: Target "https://files.example.net/a" is outside the hosts of the cloud Global and of Policy.Hosts: ` +
				`correct it, or add its host to Policy.Hosts if a link may lead there`,
		},
		{
			"https://contoso.sharepoint.cn/sites/hr",
			`smartlink: Target "https://contoso.sharepoint.cn/sites/hr" is outside the hosts of the cloud Global and of ` +
				`Policy.Hosts: it belongs to the cloud China (21Vianet): set Policy.Cloud, or correct the address`,
		},
		{
			"https://contoso.sharepoint.com:8443/",
			`smartlink: Target "https://contoso.sharepoint.com:8443/" names a port: ` +
				`remove it: the applications answer on the default one`,
		},
	} {
		_, err := smartlink.Policy{}.CheckTarget(test.target)
		require.EqualError(t, err, test.want)
	}
}

func TestErrorsHoldNoCredentials(t *testing.T) {
	t.Parallel()
	_, err := smartlink.Policy{}.CheckTarget("https://person:secret@evil.example/@a")
	require.EqualError(t, err,
		`smartlink: Target "https://...@evil.example/@a" carries credentials before an @: remove them`)
}

func TestErrorValuesAreShort(t *testing.T) {
	t.Parallel()
	_, err := smartlink.Policy{}.CheckTarget("https://" + strings.Repeat("a", 5000))
	var linkError *smartlink.LinkError
	require.ErrorAs(t, err, &linkError)
	require.Len(t, linkError.Value, 200)
}
