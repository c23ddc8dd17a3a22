using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>The Redis keys of the limits that all turns share.</summary>
internal sealed record AdmissionKeys(string Prefix)
{
    public string Global { get; } = RedisKeys.GlobalInFlight(Prefix);

    public string Guests { get; } = RedisKeys.GuestInFlight(Prefix);

    public string Messages { get; } = RedisKeys.MessageRate(Prefix);

    public string Tools { get; } = RedisKeys.ToolRate(Prefix);

    /// <summary>Caches the keys, and builds them again only when an operator changes the prefix.</summary>
    internal sealed class Cache
    {
        private volatile AdmissionKeys? _last;

        public AdmissionKeys For(string prefix) => _last is { } last && last.Prefix == prefix ? last : _last = new(prefix);
    }
}
