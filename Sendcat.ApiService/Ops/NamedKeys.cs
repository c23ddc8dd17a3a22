using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// The keys by name in memory, read from Postgres again when they are older than <see cref="MaxAge"/>. So a new key is valid, and a revoked
/// one is not, on all replicas within two seconds. While Postgres is unavailable the last known keys stay valid: an operator needs them
/// then. A change needs Postgres for its audit row anyway.
/// </summary>
internal sealed class NamedKeys(OperatorKeys stored, TimeProvider time, ILogger<NamedKeys> logger) : IDisposable
{
    public const string OperatorRole = "operator";
    public const string ViewerRole = "viewer";

    /// <summary>Makes a key recognizable for programs that search for leaked secrets.</summary>
    private const string Prefix = "sendcat_ops_";

    private const int SecretBytes = 32;

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _read = new(1, 1);
    private volatile Known _known = new([], null);

    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>The name and role of a key; null when it is none. The time is the same for every key: all hashes are compared.</summary>
    public async ValueTask<OpsCaller?> FindAsync(string presented, CancellationToken cancellationToken)
    {
        await RefreshAsync(MaxAge, cancellationToken);
        var hash = HashOf(presented);
        OpsCaller? found = null;
        foreach (var key in _known.Keys)
        {
            if (CryptographicOperations.FixedTimeEquals(key.Hash, hash))
            {
                found = new(key.Role == OperatorRole ? OpsRole.Operator : OpsRole.Viewer, $"{key.Name} ({key.Role})");
            }
        }

        return found;
    }

    /// <summary>Reads the keys again, after a change on this replica.</summary>
    public Task ChangedAsync(CancellationToken cancellationToken) => RefreshAsync(TimeSpan.Zero, cancellationToken);

    public void Dispose() => _read.Dispose();

    private async Task RefreshAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        if (IsFresh())
        {
            return;
        }

        await _read.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh())
            {
                var now = time.GetTimestamp();
                _known = new(await ReadAsync(cancellationToken) ?? _known.Keys, now);
            }
        }
        finally
        {
            _read.Release();
        }

        bool IsFresh() => _known.ReadAt is { } readAt && time.GetElapsedTime(readAt) < maxAge;
    }

    private async Task<IReadOnlyList<OperatorKeyRow>?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await stored.ValidAsync(cancellationToken);
        }
        catch (NpgsqlException exception) when (PostgresFailure.IsUnavailable(exception))
        {
            logger.OperatorKeysNotRead(exception.Message);
            return null;
        }
    }

    private sealed record Known(IReadOnlyList<OperatorKeyRow> Keys, long? ReadAt);
}

/// <summary>The holder of a key.</summary>
/// <param name="Name">For the audit: <c>operator</c>, <c>viewer</c>, or the name of the key and its role, such as <c>ann
/// (viewer)</c>.</param>
internal sealed record OpsCaller(OpsRole Role, string Name)
{
    public static readonly OpsCaller Nobody = new(OpsRole.None, "");
}
