using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Redis;

namespace Sendcat.UnitTests.Chat;

/// <summary>The slots of messages of more than 512 KiB.</summary>
public sealed class LargeMessagesTests
{
    private static readonly LimitKey Address = new("ip:192.0.2.1");

    private readonly FakeTimeProvider _time = new();
    private readonly LargeMessages _large;

    public LargeMessagesTests() => _large = new(_time);

    [Fact]
    public void Callers_that_are_not_identified_leave_slots_to_the_others()
    {
        Assert.Equal(LargeMessages.Share, Take(LargeMessages.Slots, _ => _large.TryTake(null, [])));
        Assert.NotNull(_large.TryTake(Guest(1), []));
    }

    [Fact]
    public void The_guests_of_an_address_have_a_share_and_its_users_do_not_count()
    {
        Assert.Equal(LargeMessages.Share, Take(LargeMessages.Slots, n => _large.TryTake(Guest(n), [Address])));
        Assert.NotNull(_large.TryTake(new Principal("u1", null), [Address]));
        Assert.NotNull(_large.TryTake(Guest(99), [new("ip:192.0.2.2")]));
    }

    [Fact]
    public void A_principal_has_two_slots_and_gets_a_released_one_again()
    {
        var first = _large.TryTake(Guest(1), []);
        Assert.NotNull(_large.TryTake(Guest(1), []));
        Assert.Null(_large.TryTake(Guest(1), []));

        first!.Dispose();

        Assert.NotNull(_large.TryTake(Guest(1), []));
    }

    [Fact]
    public void All_slots_together_are_limited() =>
        Assert.Equal(LargeMessages.Slots, Take(LargeMessages.Slots + 5, n => _large.TryTake(new Principal($"u{n}", null), [])));

    [Fact]
    public void A_sender_must_send_16_KiB_a_second_after_the_grace_period()
    {
        var slot = _large.TryTake(null, [])!;
        _time.Advance(LargeMessages.Grace);
        Assert.Equal(TimeSpan.Zero, slot.Remaining);

        slot.Arrived(2 * LargeMessages.LeastBytesPerSecond);

        Assert.Equal(TimeSpan.FromSeconds(2), slot.Remaining);
    }

    private static Principal Guest(int number) => new(null, $"s{number}");

    private static int Take(int times, Func<int, LargeMessages.Slot?> take) => Enumerable.Range(0, times).Count(n => take(n) is not null);
}
