using System.Text.Json.Nodes;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Makes the fuzzer's guests and users, and the one whose thread it may never read.</summary>
internal sealed class FuzzPeople(AttackedSystem system)
{
    /// <summary>The second byte of the addresses that people are made from.</summary>
    private const byte Net = 199;

    private int made;

    /// <summary>A thread and a message of somebody else, with the run's private words in it.</summary>
    public (string Thread, string Message) Victim { get; private set; }

    public async Task MakeVictimAsync(CancellationToken cancellationToken)
    {
        using var victim = await NewCaller().AsGuestAsync(cancellationToken);
        var thread = await victim.NewThreadAsync(cancellationToken);
        var message = (await victim.PostAsync($"/api/threads/{thread}/messages", new { content = system.Secrets.PrivateWords }, cancellationToken)).Expected();
        Victim = (thread, (string)message.Json["id"]!);
    }

    public async Task<FuzzIdentity> GuestAsync(CancellationToken cancellationToken)
    {
        using var guest = await NewCaller().AsGuestAsync(cancellationToken);
        var identity = new FuzzIdentity { Session = guest.Session };
        await FillAsync(guest, identity, cancellationToken);
        return identity;
    }

    public async Task<FuzzIdentity> UserAsync(CancellationToken cancellationToken)
    {
        using var user = await NewCaller().AsUserAsync(AttackedSystem.NewEmail(), "a fuzzer's password 1", cancellationToken);
        var identity = new FuzzIdentity { Bearer = user.AccessToken, RefreshToken = user.RefreshToken };
        await FillAsync(user, identity, cancellationToken);
        return identity;
    }

    private Caller NewCaller() => system.From(Source.Of(Net, Interlocked.Increment(ref made)));

    private static async Task FillAsync(Caller caller, FuzzIdentity identity, CancellationToken cancellationToken)
    {
        for (var n = 0; n < 2; n++)
        {
            var thread = await caller.NewThreadAsync(cancellationToken);
            identity.Threads.Add(thread);
            var message = (await caller.PostAsync($"/api/threads/{thread}/messages", new { content = RequestSamples.Prompt }, cancellationToken)).Expected();
            identity.Messages.Add((string)message.Json["id"]!);
            var share = await caller.PostAsync($"/api/threads/{thread}/share", cancellationToken: cancellationToken);
            if (share.Status is 200 or 201 && JsonNode.Parse(share.Text)?["shareToken"] is { } token)
            {
                identity.Others.Add((string)token!);
            }
        }
    }
}
