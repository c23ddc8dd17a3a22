using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// The chat requests of this process whose turn has not begun: they are being checked, or their files are being stored. An abort of their
/// thread finds them here, so that their turn ends as aborted when it begins. Thread-safe.
/// </summary>
internal sealed class StartingTurns
{
    private readonly ConcurrentDictionary<StartingTurn, byte> _starting = [];

    /// <summary>
    /// The name of a thread that need not exist yet, by the id that the client of the principal has given it. No other principal has it.
    /// </summary>
    public static Guid NameOf(Principal principal, string threadId) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{principal.Key}\n{threadId}")).AsSpan(0, 16), bigEndian: true);

    /// <param name="threadId">As in the request; null: it names no thread.</param>
    /// <param name="receivedAt">See <see cref="StartingTurn.ReceivedAt"/>.</param>
    /// <returns>Dispose it when the turn has begun, or when none begins.</returns>
    public StartingTurn Enter(Principal principal, string? threadId, DateTimeOffset receivedAt)
    {
        var starting = new StartingTurn(
            threadId is null ? null : NameOf(principal, threadId), receivedAt, left => _starting.TryRemove(left, out _));
        _starting.TryAdd(starting, 0);
        return starting;
    }

    /// <summary>Aborts the turns of a thread, also of requests of which it is not known yet whether they mean this thread.</summary>
    /// <param name="thread">The id of the thread, or its <see cref="NameOf"/>.</param>
    /// <param name="at">The time of the abort. It means no request that was received later.</param>
    /// <returns>The requests that are known to mean this thread.</returns>
    public IReadOnlyList<StartingTurn> Abort(Guid thread, DateTimeOffset at) =>
        [.. _starting.Keys.Where(starting => starting.ReceivedAt <= at && starting.Abort(thread))];
}

/// <summary>A chat request whose turn has not begun.</summary>
internal sealed class StartingTurn(Guid? name, DateTimeOffset receivedAt, Action<StartingTurn> onLeft) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The threads that were aborted while <see cref="_thread"/> was not known: for some milliseconds.</summary>
    private readonly HashSet<Guid> _aborted = [];
    private Guid? _thread;
    private bool _isAborted;
    private LiveTurn? _turn;

    /// <summary>See <see cref="StartingTurns.NameOf"/>; null if the request names no thread.</summary>
    public Guid? Name => name;

    /// <summary>When the request was received, before its body was read.</summary>
    public DateTimeOffset ReceivedAt => receivedAt;

    /// <summary>The thread of the request, once it is known.</summary>
    public void IsIn(Guid thread)
    {
        lock (_gate)
        {
            _thread = thread;
            _isAborted |= _aborted.Contains(thread);
        }
    }

    /// <summary>The turn has begun, and every abort from now on finds it in <see cref="LiveTurns"/>.</summary>
    /// <returns>True if it was aborted before.</returns>
    public bool Begins(LiveTurn turn)
    {
        lock (_gate)
        {
            _turn = turn;
            return _isAborted;
        }
    }

    /// <returns>True if the request means this thread; false also if that is not known yet.</returns>
    public bool Abort(Guid thread)
    {
        lock (_gate)
        {
            if (thread == name || thread == _thread)
            {
                return _isAborted = true;
            }

            if (_thread is null)
            {
                _aborted.Add(thread);
            }

            return false;
        }
    }

    /// <summary>Completes when the turn has ended, or when it is known that none begins.</summary>
    public async Task EndedAsync()
    {
        await _left.Task;
        if (_turn is { } turn)
        {
            await turn.Ended;
        }
    }

    public void Dispose()
    {
        onLeft(this);
        _left.TrySetResult();
    }
}
