using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>Counts the event streams of this replica: of each principal, of each address, and all of them.</summary>
internal sealed class ThreadEventReaders(IOptionsMonitor<ThreadEventOptions> options)
{
    private const string All = "all";

    /// <summary>The part of all streams that one address may have: 1 / <c>AddressShare</c>.</summary>
    private const int AddressShare = 10;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <returns>The stream's registration, to be disposed at its end; or the 429 error.</returns>
    public Outcome<IDisposable> Enter(HttpContext http, Principal principal)
    {
        var limits = options.CurrentValue;
        (string Key, int Max)[] claims =
        [
            (principal.Key, limits.PerPrincipal),
            .. ClientAddress.LimitKeysOf(http).Select(address => (address.Name, limits.Max / AddressShare * address.Times)),
            (All, limits.Max),
        ];
        lock (_gate)
        {
            if (Array.Exists(claims, claim => _counts.GetValueOrDefault(claim.Key) >= claim.Max))
            {
                return ApiError.RateLimited(RetryAfter, RefusalReason.ThreadEventReaders, "As many event streams are open as there may be");
            }

            foreach (var (key, _) in claims)
            {
                _counts[key] = _counts.GetValueOrDefault(key) + 1;
            }
        }

        return new Registration(this, Array.ConvertAll(claims, claim => claim.Key));
    }

    private void Leave(string[] keys)
    {
        lock (_gate)
        {
            foreach (var key in keys)
            {
                if (--_counts[key] == 0)
                {
                    _counts.Remove(key);
                }
            }
        }
    }

    private sealed class Registration(ThreadEventReaders readers, string[] keys) : IDisposable
    {
        public void Dispose() => readers.Leave(keys);
    }
}
