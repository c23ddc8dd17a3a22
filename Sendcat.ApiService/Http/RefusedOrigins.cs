namespace Sendcat.ApiService.Http;

/// <summary>
/// Logs each refused origin once an hour, so that a front end whose origin is not configured is found in the log. A caller chooses the
/// name, so at most <see cref="MaxNames"/> names are logged within an hour.
/// </summary>
internal sealed class RefusedOrigins(TimeProvider time, ILogger<RefusedOrigins> logger)
{
    public const int MaxNames = 50;

    private const int MaxNameLength = 200;
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private DateTimeOffset _until;

    public void Report(string origin)
    {
        var name = origin.Length > MaxNameLength ? origin[..MaxNameLength] : origin;
        var isLast = false;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (now >= _until)
            {
                _names.Clear();
                _until = now + Interval;
            }

            if (_names.Count >= MaxNames || !_names.Add(name))
            {
                return;
            }

            isLast = _names.Count == MaxNames;
        }

        logger.OriginRefused(name);
        if (isLast)
        {
            logger.FurtherOriginsNotLogged(_until);
        }
    }
}
