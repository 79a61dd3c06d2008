package entratest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The documented limits, one by one: within one tenant only the narrowest can be felt.
func TestLimits(t *testing.T) {
	pair := limit{"Tenant_Application", "ReadWrite", "ResourceUnitLimitExceeded", 3_500, 10 * time.Second, 1}
	writes := limit{"Tenant_Application", "Write", "WriteLimitExceeded", 3_000, 150 * time.Second, 1}
	tenant := limit{"Tenant", "Write", "WriteLimitExceeded", 18_000, 5 * time.Minute, 1}
	app := limit{"Application", "ReadWrite", "ResourceUnitLimitExceeded", 150_000, 20 * time.Second, 1}
	appWrites := func(capacity float64) limit {
		return limit{"Application", "Write", "WriteLimitExceeded", capacity, 5 * time.Minute, 1}
	}
	for _, rule := range []struct {
		name     string
		method   string
		throttle Throttle
		want     []limit
	}{
		{"a read costs no write", http.MethodGet, Throttle{}, []limit{pair, app}},
		{"a change costs one", http.MethodPatch, Throttle{}, []limit{pair, writes, appWrites(35_000), tenant, app}},
		{"the older figure", http.MethodDelete, Throttle{GenerousWrites: true},
			[]limit{pair, writes, appWrites(70_000), tenant, app}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			tenant := Start(t, Config{Clock: NewClock(clockOrigin), Throttle: rule.throttle})
			req := tenant.newGraphRequest(httptest.NewRequest(rule.method, "/v1.0/domains", nil))
			require.Equal(t, rule.want, tenant.limits(req))
		})
	}
	half := Start(t, Config{Clock: NewClock(clockOrigin), Throttle: Throttle{Scale: 0.5, Size: TenantLarge}})
	req := half.newGraphRequest(httptest.NewRequest(http.MethodGet, "/v1.0/users", nil))
	require.Equal(t, 4_000.0, half.limits(req)[0].capacity)
}
