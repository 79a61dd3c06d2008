package entratest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// throttled is a tenant without lag and with these limits, and as many users.
func throttled(t *testing.T, th entratest.Throttle, users int) (*graphCaller, *entratest.Clock) {
	t.Helper()
	cfg := entratest.Config{Lag: entratest.LagNone, Throttle: th}
	for i := range users {
		cfg.Users = append(cfg.Users, entratest.User{UPN: fmt.Sprintf("user%d@contoso.com", i)})
	}
	return callGraph(t, cfg)
}

// until sends requests until one is refused, and returns how many were not, and the refusal.
func (g *graphCaller) until(limit int, request func() graphAnswer) (int, graphAnswer) {
	g.t.Helper()
	for i := range limit {
		if answer := request(); answer.Status == http.StatusTooManyRequests {
			return i, answer
		}
	}
	g.t.Fatalf("no request of %d was refused", limit)
	return 0, graphAnswer{}
}

func TestLimitsByTenantSize(t *testing.T) {
	for _, rule := range []struct {
		name  string
		users int
		size  entratest.TenantSize
		limit int // requests of one resource unit
	}{
		{"under 50 users", 49, "", 35},
		{"from 50 users", 50, "", 50},
		{"up to 500 users", 500, "", 50},
		{"above 500 users", 501, "", 80},
		{"as configured", 1, entratest.TenantLarge, 80},
		{"whatever the number of users", 501, entratest.TenantSmall, 35},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, clock := throttled(t, entratest.Throttle{Scale: 0.01, Size: rule.size}, rule.users)
			clock.Advance(time.Hour)
			allowed, refusal := g.until(100, func() graphAnswer { return g.get("domains") })
			require.Equal(t, rule.limit, allowed)
			require.Equal(t, "ResourceUnitLimitExceeded", refusal.Header.Get("x-ms-throttle-information"))
		})
	}
}

func TestLimitsByKind(t *testing.T) {
	app := entratest.DefaultApp().ClientID
	for _, rule := range []struct {
		name        string
		throttle    entratest.Throttle
		request     func(g *graphCaller) graphAnswer
		allowed     int
		scope, kind string
		information string
	}{
		{"resource units of an application in the tenant", entratest.Throttle{Scale: 0.01},
			func(g *graphCaller) graphAnswer { return g.get("domains") }, 35, "Tenant_Application", "ReadWrite",
			"ResourceUnitLimitExceeded"},
		{"a list of users costs two", entratest.Throttle{Scale: 0.01},
			func(g *graphCaller) graphAnswer { return g.get("users") }, 17, "Tenant_Application", "ReadWrite",
			"ResourceUnitLimitExceeded"},
		{"$select makes it one", entratest.Throttle{Scale: 0.01},
			func(g *graphCaller) graphAnswer { return g.get("users?$select=id") }, 35, "Tenant_Application", "ReadWrite",
			"ResourceUnitLimitExceeded"},
		{"$expand makes it three", entratest.Throttle{Scale: 0.01},
			func(g *graphCaller) graphAnswer { return g.get("users?$expand=manager") }, 11, "Tenant_Application", "ReadWrite",
			"ResourceUnitLimitExceeded"},
		{"writes of an application in the tenant", entratest.Throttle{Scale: 0.01, Size: entratest.TenantLarge},
			func(g *graphCaller) graphAnswer { return g.patch("users/user0@contoso.com", map[string]any{}) }, 30,
			"Tenant_Application", "Write", "WriteLimitExceeded"},
		{"refusals cost as well", entratest.Throttle{Scale: 0.01},
			func(g *graphCaller) graphAnswer { return g.get("users/nobody@contoso.com") }, 35, "Tenant_Application",
			"ReadWrite", "ResourceUnitLimitExceeded"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := throttled(t, rule.throttle, 1)
			tenantID := g.tenant.Config().TenantID
			allowed, refusal := g.until(200, func() graphAnswer { return rule.request(g) })
			require.Equal(t, rule.allowed, allowed)
			code, message := refusal.Error()
			require.Equal(t, "TooManyRequests", code)
			require.Equal(t, "Too many requests.", message)
			require.Equal(t, rule.scope+"/"+rule.kind+"/"+app+"/"+tenantID, refusal.Header.Get("x-ms-throttle-scope"))
			require.Equal(t, rule.information, refusal.Header.Get("x-ms-throttle-information"))
			require.NotEmpty(t, refusal.Header.Get("Retry-After"))
		})
	}
}

// Many applications in one tenant share the tenant's limit of writes.
func TestTheTenantsOwnLimitOfWrites(t *testing.T) {
	cfg := entratest.Config{Lag: entratest.LagNone, Throttle: entratest.Throttle{Scale: 0.01},
		Users: []entratest.User{{UPN: "ada@contoso.com"}}}
	for i := range 10 {
		app := entratest.DefaultApp()
		app.ClientID = fmt.Sprintf("11111111-2222-4333-8444-00000000000%d", i)
		cfg.Apps = append(cfg.Apps, app)
	}
	g, _ := callGraph(t, cfg)
	written := 0
	var last graphAnswer
	for _, app := range cfg.Apps {
		g.as(app)
		for range 25 {
			if last = g.patch("users/ada@contoso.com", map[string]any{}); last.Status == http.StatusNoContent {
				written++
			}
		}
	}
	require.Equal(t, 180, written)
	require.Equal(t, 429, last.Status)
	require.Equal(t, "Tenant/Write/"+cfg.Apps[9].ClientID+"/"+g.tenant.Config().TenantID,
		last.Header.Get("x-ms-throttle-scope"))
	g.get("users").must(t, 200) // reads are not concerned
}

func TestRetryAfterIsEnough(t *testing.T) {
	g, clock := throttled(t, entratest.Throttle{Scale: 0.01}, 1)
	for i := range 50 {
		request := func() graphAnswer { return g.get("users/user0@contoso.com") }
		if i%3 == 0 {
			request = func() graphAnswer { return g.patch("users/user0@contoso.com", map[string]any{}) }
		}
		_, refusal := g.until(100, request)
		seconds, err := strconv.Atoi(refusal.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.Positive(t, seconds)
		clock.Advance(time.Duration(seconds) * time.Second)
		require.NotEqual(t, 429, request().Status, "after %d seconds", seconds)
	}
}

func TestUsageAccruesWhileThrottled(t *testing.T) {
	g, clock := throttled(t, entratest.Throttle{Scale: 0.01}, 1)
	read := func() graphAnswer { return g.get("domains") }
	_, refusal := g.until(100, read)
	require.Equal(t, "1", refusal.Header.Get("Retry-After"))
	for range 100 {
		refusal = read()
	}
	require.Equal(t, "1.80", refusal.Header.Get("x-ms-throttle-limit-percentage"), "and not more")
	require.Equal(t, "9", refusal.Header.Get("Retry-After"), "who hammers waits longer")
	clock.Advance(2 * time.Second)
	read().must(t, 429)
	clock.Advance(time.Minute)
	read().must(t, 200)
}

func TestTheFillingIsReported(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{Scale: 0.01}, 1)
	percentage := func() string { return g.get("domains").Header.Get("x-ms-throttle-limit-percentage") }
	for range 28 {
		require.Empty(t, percentage(), "up to 80 % there is no header")
	}
	require.Equal(t, "0.83", percentage())
	require.Equal(t, "0.86", percentage())
	for range 4 {
		percentage()
	}
	require.Equal(t, "1.00", percentage())
	require.Equal(t, "1.03", percentage(), "with the refusal as well")
}

func TestLowPriorityIsShedFirst(t *testing.T) {
	for _, rule := range []struct {
		priority string
		allowed  int
	}{{"low", 28}, {"Low", 28}, {"normal", 35}, {"high", 35}, {"", 35}, {"urgent", 35}} {
		t.Run("priority "+rule.priority, func(t *testing.T) {
			g, _ := throttled(t, entratest.Throttle{Scale: 0.01}, 1)
			g.header.Set("x-ms-throttle-priority", rule.priority)
			allowed, _ := g.until(100, func() graphAnswer { return g.get("domains") })
			require.Equal(t, rule.allowed, allowed)
			if rule.allowed == 28 {
				g.header.Set("x-ms-throttle-priority", "high")
				g.get("domains").must(t, 200) // the rest is there for people who wait
			}
		})
	}
}

func TestRetryAfterCanBeAbsent(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{Scale: 0.01, OmitRetryAfter: true}, 1)
	_, refusal := g.until(100, func() graphAnswer { return g.get("domains") })
	require.Empty(t, refusal.Header.Values("Retry-After"))
	require.NotEmpty(t, refusal.Header.Get("x-ms-throttle-scope"))
}

func TestThrottlingCanBeSwitchedOff(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{Off: true, Scale: 0.01}, 1)
	for range 100 {
		require.Empty(t, g.get("domains").must(t, 200).Header.Get("x-ms-throttle-limit-percentage"))
	}
}

func TestCPULimitExceeded(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{}, 1)
	g.tenant.Inject(entratest.Fault{Status: 429, Information: "CPULimitExceeded", RetryAfter: "10"})
	refusal := g.get("domains").must(t, 429)
	require.Equal(t, "CPULimitExceeded", refusal.Header.Get("x-ms-throttle-information"), "without any load")
	g.get("domains").must(t, 200)
}

func TestBatchesCostWhatTheirRequestsCost(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{Scale: 0.01, Size: entratest.TenantLarge}, 1)
	var items []map[string]any
	for i := range 20 {
		items = append(items, batched(fmt.Sprint(i), "POST", "/users", "body", userBody(fmt.Sprintf("person%d", i))))
	}
	require.Len(t, g.batch(items...).must(t, 200).Answers(), 20)
	for i := range 20 {
		items[i]["body"] = userBody(fmt.Sprintf("other%d", i))
	}
	answer := g.batch(items...).must(t, 200)
	count := map[int]int{}
	for id, status := range answer.Statuses() {
		count[status]++
		headers := answer.Answers()[id]["headers"].(map[string]any)
		require.Equal(t, status == 429, headers["Retry-After"] != nil, "each refusal says itself how long to wait")
	}
	require.Equal(t, map[int]int{201: 10, 429: 10}, count, "30 writes, and not 2")
	require.Empty(t, answer.Header.Get("Retry-After"))
	require.Len(t, g.tenant.Users(), 31)
}

func TestBindingTwentyMembersIsOneWrite(t *testing.T) {
	g, _ := throttled(t, entratest.Throttle{Scale: 0.01, Size: entratest.TenantLarge}, 400)
	var ids []string
	for _, user := range g.tenant.Users() {
		ids = append(ids, user.ObjectID)
	}
	group := g.createGroup(groupBody("staff"))
	for i := 0; i < 400; i += 20 {
		g.patch("groups/"+group, binding(ids[i:i+20]...)).must(t, 204)
	}
	require.Len(t, g.tenant.Groups()[0].Members, 400, "400 members with 20 of the 30 writes")
}

// An hour of bulk work at a twentieth of the limits, one write a second, in a moment of real time.
func TestAnHourOfThrottledLoad(t *testing.T) {
	for _, rule := range []struct {
		name    string
		pace    time.Duration // between two writes
		done    float64
		refused bool
	}{
		{"as fast as can be: every refusal costs a write", 0, 150 + 1800, true},
		{"at the limit's own pace", time.Second, 3600, false},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, clock := throttled(t, entratest.Throttle{Scale: 0.05}, 1)
			end := clock.Now().Add(time.Hour)
			done, refused := 0, 0
			for clock.Now().Before(end) {
				answer := g.patch("users/user0@contoso.com", map[string]any{})
				if answer.Status == http.StatusNoContent {
					done++
					clock.Advance(rule.pace)
					continue
				}
				refused++
				seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
				require.NoError(t, err, "%v", answer.Body)
				clock.Advance(time.Duration(seconds) * time.Second)
			}
			require.InDelta(t, rule.done, done, 10)
			require.Equal(t, rule.refused, refused > 0)
		})
	}
}
