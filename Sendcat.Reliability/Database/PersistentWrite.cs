using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Outages;

namespace Sendcat.Reliability.Database;

/// <summary>
/// Repeats a write while Postgres is unavailable, until the caller cancels. For writes whose data was costly to get: fetched from an
/// upstream, or extracted by a model. Thread-safe.
/// </summary>
/// <param name="work">What is written, for the log: "evidence".</param>
public sealed class PersistentWrite(string work, StoreOutages outages, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc cref="RunAsync{T}(Func{CancellationToken, Task{T}}, CancellationToken)"/>
    public Task RunAsync(Func<CancellationToken, Task> write, CancellationToken cancellationToken) => RunAsync(
        async token =>
        {
            await write(token);
            return true;
        },
        cancellationToken);

    /// <summary>Writes, and waits until Postgres is available if necessary.</summary>
    /// <param name="write">The write. It may have been committed although it failed, so it must be idempotent.</param>
    /// <param name="cancellationToken">Ends the repetition.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled. The write may have been committed.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            var began = time.GetTimestamp();
            try
            {
                var result = await write(cancellationToken);
                if (failures > 0)
                {
                    outages.Postgres.Works();
                }

                return result;
            }
            catch (Exception failure) when (PostgresFailure.IsUnavailable(failure))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!outages.Postgres.Records(work, failure, began) && failures == 0)
                {
                    logger.WriteRepeated(work, failure.Message);
                }

                failures++;
            }

            await Task.Delay(RetryInterval, time, cancellationToken);
        }
    }
}
