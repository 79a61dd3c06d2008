package provision

import (
	"context"
	"slices"
	"time"
)

// skusFresh is how long the list of subscriptions is used before it is read again.
const skusFresh = 10 * time.Minute

// skuCache is the tenant's list of subscriptions, and the groups that give licences as they were found since it was
// read. Whoever has put a token into turn may use the other fields; what a slice has is never changed.
type skuCache struct {
	turn   chan struct{}
	list   []SKU
	groups map[string]Group
	at     time.Time
	read   bool
}

func newSKUCache() skuCache { return skuCache{turn: make(chan struct{}, 1)} }

// readSKUs returns the tenant's subscriptions as they were at most maxAge ago. Runs that need a fresh list at the same
// time share one call.
func (r *run) readSKUs(ctx context.Context, maxAge time.Duration) ([]SKU, error) {
	asked := r.p.now()
	if err := r.takeSKUs(ctx); err != nil {
		return nil, err
	}
	defer r.p.skus.release()
	if r.p.skus.read && (asked.Sub(r.p.skus.at) < maxAge || r.p.skus.at.After(asked)) {
		return r.p.skus.list, nil
	}
	var list []SKU
	err := r.retry(ctx, opSKUs, units(2), temporary, func(ctx context.Context) (err error) {
		list, err = r.p.directory.SKUs(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.p.skus.list, r.p.skus.at, r.p.skus.read = list, r.p.now(), true
	r.p.skus.groups = make(map[string]Group)
	return list, nil
}

// readLicenseGroup finds a group that gives licences. It is as fresh as the list of subscriptions.
func (r *run) readLicenseGroup(ctx context.Context, name string) (Group, error) {
	if err := r.takeSKUs(ctx); err != nil {
		return Group{}, err
	}
	defer r.p.skus.release()
	if group, ok := r.p.skus.groups[name]; ok {
		return group, nil
	}
	group, err := r.findGroup(ctx, name)
	if err == nil && r.p.skus.groups != nil {
		r.p.skus.groups[name] = group
	}
	return group, err
}

// takeSKUs waits for the turn to use the cache.
func (r *run) takeSKUs(ctx context.Context) error {
	select {
	case r.p.skus.turn <- struct{}{}:
		return nil
	default:
	}
	defer disperse(ctx, r.p.sleep) // whoever gave it back goes on at the same instant
	select {
	case r.p.skus.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return r.stopped(ctx, nil)
	}
}

func (c *skuCache) release() { <-c.turn }

// spend counts seats that were given, so that the next new person is not promised one of them. The list may have those
// already whose call began before it was read; and while it is being read anew there is nothing to count.
func (c *skuCache) spend(skuIDs []string, began time.Time) {
	select {
	case c.turn <- struct{}{}:
	default:
		return
	}
	defer c.release()
	if began.Before(c.at) {
		return
	}
	list := slices.Clone(c.list)
	for i := range list {
		if containsFold(skuIDs, list[i].ID) {
			list[i].Consumed++
		}
	}
	c.list = list
}
