using System.Collections.Concurrent;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Callers;

/// <summary>Guests and signed-in users in equal numbers, each at an address of its own, who chat one turn after the other and read every answer to its end.</summary>
internal sealed class HonestCrowd : IAsyncDisposable
{
    private const string Prompt = "[[emu chunks=5 every=10]] how are you?";

    /// <summary>Turns after which a user begins a new thread, and a guest a new session: histories stay short, and guests may have few threads.</summary>
    private const int TurnsOfThread = 20;

    private readonly HonestUser[] users;
    private readonly TimeSpan pause;
    private CancellationTokenSource stop = new();
    private Task[] running = [];
    private ConcurrentQueue<Turn> turns = new();

    private HonestCrowd(HonestUser[] users, TimeSpan pause) => (this.users, this.pause) = (users, pause);

    /// <param name="pause">Between the turns of one user.</param>
    public static async Task<HonestCrowd> GatherAsync(AttackedSystem system, int size, TimeSpan pause)
    {
        var gathered = new HonestUser[size];
        for (var n = 0; n < size; n++)
        {
            var caller = system.From(Source.Of(Source.Honest, n));
            gathered[n] = n % 2 == 0
                ? new(await caller.AsGuestAsync(), IsGuest: true)
                : new(await caller.AsUserAsync(AttackedSystem.NewEmail(), "an honest password 1"), IsGuest: false);
        }

        return new(gathered, pause);
    }

    /// <summary>Lets all of them chat until <see cref="StopAsync"/>.</summary>
    public void Start()
    {
        (stop, turns) = (new(), new());
        running = [.. users.Select(user => RunAsync(user, turns, stop.Token))];
    }

    /// <summary>Turns that have ended since the start.</summary>
    public int Turns => turns.Count;

    /// <summary>Waits until so many more turns have ended.</summary>
    public async Task WaitForAsync(int more, CancellationToken cancellationToken)
    {
        var wanted = turns.Count + more;
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (turns.Count < wanted && !running.All(it => it.IsCompleted))
        {
            await look.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Lets every turn that runs end.</summary>
    public async Task<HonestFigures> StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
        running = [];
        stop.Dispose();
        return new([.. turns]);
    }

    public async ValueTask DisposeAsync()
    {
        if (running.Length > 0)
        {
            await StopAsync();
        }

        Array.ForEach(users, user => user.Caller.Dispose());
    }

    private async Task RunAsync(HonestUser user, ConcurrentQueue<Turn> turns, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            turns.Enqueue(await TurnAsync(user));
            try
            {
                await Task.Delay(pause, TimeProvider.System, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task<Turn> TurnAsync(HonestUser user)
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
                (user.Thread, user.TurnsLeft) = (await user.Caller.NewThreadAsync(), TurnsOfThread);
            }

            await user.Caller.SayAsync(user.Thread, Prompt);
            return await user.Caller.ChatAsync(user.Thread);
        }
        catch (Exception failure) when (failure is InvalidOperationException or HttpRequestException or IOException or OperationCanceledException)
        {
            return new() { Status = 0, Complaint = $"{user.Caller.Address}: {failure.Message}" };
        }
    }

    private sealed record HonestUser(Caller Caller, bool IsGuest)
    {
        public string? Thread { get; set; }

        public int TurnsLeft { get; set; }
    }
}
