package smartlink_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

// FuzzParse: whatever is read builds again and reads as the same link, or has a successor that lacks the domain at
// most.
func FuzzParse(f *testing.F) {
	for _, test := range readLinks {
		f.Add(test.raw)
	}
	for _, test := range builtLinks {
		f.Add(test.url)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, cloud := range []entrafed.Cloud{{}, entrafed.China(), simulatedCloud()} {
			policy := smartlink.Policy{Cloud: cloud}
			link, err := policy.Parse(raw)
			if err != nil {
				require.Equal(t, smartlink.Link{}, link)
				continue
			}
			modern := link.Modern()
			if modern.Domain == "" && link.Form.ParserOnly() {
				modern.Domain = "contoso.com"
			}
			built, err := policy.Build(modern)
			require.NoError(t, err)
			again, err := policy.Parse(built)
			require.NoError(t, err)
			require.Equal(t, modern, again)
		}
	})
}

// FuzzRoundTrip: whatever builds reads as the same link.
func FuzzRoundTrip(f *testing.F) {
	for _, test := range builtLinks {
		f.Add(int(test.link.Form), test.link.Domain, test.link.Target, test.link.LoginHint)
	}
	for _, test := range acceptedTargets {
		f.Add(0, "contoso.com", test.target, "person@contoso.com")
	}
	for _, test := range refusedTargets {
		f.Add(0, "contoso.com", test.target, "contoso.com")
	}
	f.Fuzz(func(t *testing.T, form int, domain, target, hint string) {
		want := smartlink.Link{Form: smartlink.Form(form), Domain: domain, Target: target, LoginHint: hint}
		for _, cloud := range []entrafed.Cloud{{}, entrafed.China(), simulatedCloud()} {
			policy := smartlink.Policy{Cloud: cloud}
			built, err := policy.Build(want)
			if err != nil {
				continue
			}
			got, err := policy.Parse(built)
			require.NoError(t, err)
			if got.Target == "" && target != "" {
				requireSameBuild(t, policy, want, got)
				continue
			}
			expected := want
			expected.Domain = strings.ToLower(domain)
			require.Equal(t, expected, got)
		}
	})
}

// requireSameBuild is for a target that is the form's own address: it is reported as none.
func requireSameBuild(t *testing.T, policy smartlink.Policy, a, b smartlink.Link) {
	t.Helper()
	builtA, err := policy.Build(a)
	require.NoError(t, err)
	builtB, err := policy.Build(b)
	require.NoError(t, err)
	require.Equal(t, builtA, builtB)
}

// FuzzCheckTarget: an accepted target is https, on a listed host, and a browser sees that host too.
func FuzzCheckTarget(f *testing.F) {
	for _, test := range acceptedTargets {
		f.Add(test.target)
	}
	for _, test := range refusedTargets {
		f.Add(test.target)
	}
	hosts := entrafed.Global().Hosts
	f.Fuzz(func(t *testing.T, target string) {
		u, err := smartlink.Policy{}.CheckTarget(target)
		if err != nil {
			return
		}
		host := strings.ToLower(u.Host)
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		require.Equal(t, host, browserHost(target))
		listed := false
		for _, suffix := range hosts {
			listed = listed || host == suffix || strings.HasSuffix(host, "."+suffix)
		}
		require.True(t, listed, host)
	})
}

// FuzzHandler: a redirect goes to the login host with a target that may be led to; everything else is the page.
func FuzzHandler(f *testing.F) {
	for _, test := range acceptedTargets {
		f.Add("to=" + url.QueryEscape(test.target))
	}
	for _, test := range refusedTargets {
		f.Add("to=" + test.target)
		f.Add("to=" + url.QueryEscape(test.target))
	}
	f.Add("")
	f.Add("to=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=person%40contoso.com")
	f.Add("to=https%3A%2F%2Fcontoso.sharepoint.com&to=https%3A%2F%2Fevil.example")
	h, err := smartlink.NewHandler(contoso())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, query string) {
		w := serve(h, get(query))
		if w.Code != http.StatusFound {
			requireRefused(t, w)
			return
		}
		location, err := url.Parse(w.Header().Get("Location"))
		require.NoError(t, err)
		require.Equal(t, "https", location.Scheme)
		require.Equal(t, "login.microsoftonline.com", location.Host)
		require.Equal(t, "/login.srf", location.Path)
		require.Equal(t, "login.microsoftonline.com", browserHost(w.Header().Get("Location")))
		parameters, err := url.ParseQuery(location.RawQuery)
		require.NoError(t, err)
		for name, values := range parameters {
			require.Len(t, values, 1, name)
		}
		require.Equal(t, "contoso.com", parameters.Get("whr"))
		_, err = smartlink.Policy{}.CheckTarget(parameters.Get("wreply"))
		require.NoError(t, err)
	})
}

// FuzzStart: whatever start link builds or reads, does so both ways, and a server reads the same.
func FuzzStart(f *testing.F) {
	for _, test := range acceptedTargets {
		f.Add(base, test.target, "person@contoso.com", base+"?to="+url.QueryEscape(test.target))
	}
	for _, test := range refusedTargets {
		f.Add(base, test.target, "", base+"?to="+test.target)
	}
	f.Fuzz(func(t *testing.T, base, target, hint, raw string) {
		if s, err := (smartlink.Policy{}).ParseStart(raw); err == nil {
			requireStartRoundTrip(t, s)
		}
		s := smartlink.Start{Base: base, Target: target, LoginHint: hint}
		if _, err := s.URL(); err == nil {
			requireStartRoundTrip(t, s)
		}
	})
}

func requireStartRoundTrip(t *testing.T, s smartlink.Start) {
	t.Helper()
	built, err := s.URL()
	require.NoError(t, err)
	parsed, err := smartlink.Policy{}.ParseStart(built)
	require.NoError(t, err)
	require.Equal(t, s, parsed)
	_, query, _ := strings.Cut(built, "?")
	received, err := smartlink.Policy{}.ReadStart(get(query))
	require.NoError(t, err)
	require.Equal(t, smartlink.Start{Target: s.Target, LoginHint: s.LoginHint}, received)
}
