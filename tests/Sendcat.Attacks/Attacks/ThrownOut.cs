using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Has copied somebody's tokens, and goes on using them when they have signed out.</summary>
internal sealed class ThrownOut : Attack
{
    private const string Password = "a good password 1";

    /// <summary>Within which access ends on every replica.</summary>
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);

    public override byte Number => 14;

    public override string Title => "access is kept after being thrown out";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var owner = await run.From(Address(0)).AsUserAsync(AttackedSystem.NewEmail(), Password, cancellationToken);
        var thief = run.From(Address(1)).WithBearer(owner.AccessToken!);
        run.Check((await thief.GetAsync("/api/auth/me", cancellationToken)).Status == 200, "the token is good before");

        var first = (await owner.PostAsync("/api/auth/refresh", new { refreshToken = owner.RefreshToken }, cancellationToken)).Expected();
        var again = (await owner.PostAsync("/api/auth/refresh", new { refreshToken = owner.RefreshToken }, cancellationToken)).Expected();
        run.Check((string)first.Json["refreshToken"]! == (string)again.Json["refreshToken"]!, "two tabs that refresh at once get the same successor");

        var newest = (string)first.Json["refreshToken"]!;
        run.Check((await owner.PostAsync("/api/auth/logout", new { refreshToken = newest }, cancellationToken)).Status == 204, "the owner signs out");
        run.Check(await EndsAsync(thief, cancellationToken), $"the access token ends within {Promised.TotalSeconds:0} s of the sign-out");
        var dead = await thief.PostAsync("/api/auth/refresh", new { refreshToken = newest }, cancellationToken);
        run.Check(dead.Status == 401, "the refresh token is dead", dead);
        var chat = await thief.PostAsync("/api/chat", new { threadId = Guid.NewGuid() }, cancellationToken);
        run.Check(chat.Status == 401, "nothing can be begun with the old token", chat);
    }

    private static async Task<bool> EndsAsync(Caller thief, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (TimeProvider.System.GetElapsedTime(began) < Promised)
        {
            if ((await thief.GetAsync("/api/auth/me", cancellationToken)).Status == 401)
            {
                return true;
            }

            await look.WaitForNextTickAsync(cancellationToken);
        }

        return false;
    }
}
