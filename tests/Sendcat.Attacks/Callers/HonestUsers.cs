using System.Collections.Concurrent;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Callers;

/// <summary>
/// Simulated users that do not attack: guests and signed-in users in equal numbers. Each has a source address of its own, runs one turn
/// after the other and reads every turn to its end.
/// </summary>
internal sealed class HonestUsers : IAsyncDisposable
{
    private const string Prompt = "[[emu chunks=5 every=10]] how are you?";

    /// <summary>
    /// After this number of turns a user starts a new thread, and a guest a new session: histories stay short, and guests may have few
    /// threads.
    /// </summary>
    private const int TurnsPerThread = 20;

    private readonly HonestUser[] _users;
    private readonly TimeSpan _pause;
    private CancellationTokenSource _stop = new();
    private Task[] _running = [];
    private ConcurrentQueue<TurnResult> _turns = new();

    private HonestUsers(HonestUser[] users, TimeSpan pause) => (_users, _pause) = (users, pause);

    /// <param name="system">The system that the users chat with.</param>
    /// <param name="size">The number of users.</param>
    /// <param name="pause">The pause between two turns of a user.</param>
    public static async Task<HonestUsers> CreateAsync(AttackedSystem system, int size, TimeSpan pause)
    {
        var created = new HonestUser[size];
        for (var n = 0; n < size; n++)
        {
            var caller = system.From(SourceAddress.Of(SourceAddress.HonestNet, n));
            created[n] = n % 2 == 0
                ? new(await caller.AsGuestAsync(), IsGuest: true)
                : new(await caller.AsUserAsync(AttackedSystem.NewEmail(), "an honest password 1"), IsGuest: false);
        }

        return new(created, pause);
    }

    /// <summary>Starts the turns of all users. They continue until <see cref="StopAsync"/>.</summary>
    public void Start()
    {
        (_stop, _turns) = (new(), new());
        _running = [.. _users.Select(user => RunAsync(user, _turns, _stop.Token))];
    }

    /// <summary>The number of turns that have ended since the start.</summary>
    public int Turns => _turns.Count;

    /// <summary>Waits until this number of further turns has ended, or no user runs any more.</summary>
    public async Task WaitForAsync(int more, CancellationToken cancellationToken)
    {
        var target = _turns.Count + more;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (_turns.Count < target && !_running.All(it => it.IsCompleted))
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Starts no more turns and waits for the end of the running ones.</summary>
    public async Task<HonestFigures> StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _running = [];
        _stop.Dispose();
        return new([.. _turns]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_running.Length > 0)
        {
            await StopAsync();
        }

        Array.ForEach(_users, user => user.Caller.Dispose());
    }

    private async Task RunAsync(HonestUser user, ConcurrentQueue<TurnResult> turns, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            turns.Enqueue(await RunTurnAsync(user));
            try
            {
                await Task.Delay(_pause, TimeProvider.System, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task<TurnResult> RunTurnAsync(HonestUser user)
    {
        try
        {
            if (user.TurnsLeft-- == 0)
            {
                user.Thread = null;
                if (user.IsGuest)
                {
                    await user.Caller.AsGuestAsync();
                }
            }

            if (user.Thread is null)
            {
                (user.Thread, user.TurnsLeft) = (await user.Caller.NewThreadAsync(), TurnsPerThread);
            }

            await user.Caller.AddMessageAsync(user.Thread, Prompt);
            return await user.Caller.ChatAsync(user.Thread);
        }
        catch (Exception failure) when (
            failure is InvalidOperationException or HttpRequestException or IOException or OperationCanceledException)
        {
            return new() { Status = 0, Problem = $"{user.Caller.Address}: {failure.Message}" };
        }
    }

    private sealed record HonestUser(Caller Caller, bool IsGuest)
    {
        public string? Thread { get; set; }

        public int TurnsLeft { get; set; }
    }
}
