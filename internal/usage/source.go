package usage

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Network is the network a call came from: an IPv4 /24 or an IPv6 /48. 0 is none.
type Network uint64

const (
	network4 Network = 1 << 24
	network6 Network = 1 << 48
)

// Source tells a record's sourceIPAddress apart: an address's network, or the service that calls.
func Source(source string) (n Network, service string) {
	if source == "" {
		return 0, ""
	}
	addr, err := netip.ParseAddr(source)
	if err != nil {
		if strings.HasPrefix(source, "AWS Internal") {
			return 0, "AWS Internal"
		}
		return 0, source
	}
	if addr = addr.Unmap(); addr.Is4() {
		raw := addr.As4()
		return network4 | Network(binary.BigEndian.Uint32(raw[:])>>8), ""
	}
	raw := addr.As16()
	return network6 | Network(binary.BigEndian.Uint64(raw[:])>>16), ""
}

// String is the network's prefix, "" for none.
func (n Network) String() string {
	var raw [16]byte
	switch {
	case n >= network6 && n < 2*network6:
		binary.BigEndian.PutUint64(raw[:], uint64(n-network6)<<16)
		return netip.PrefixFrom(netip.AddrFrom16(raw), 48).String()
	case n >= network4 && n < 2*network4:
		binary.BigEndian.PutUint32(raw[:], uint32(n-network4)<<8)
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(raw[:4])), 24).String()
	}
	return ""
}
