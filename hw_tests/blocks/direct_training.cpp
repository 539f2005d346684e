// The direct forms of the loss and of updates as a library for test_direct_training.py.
#include "../csim/direct_adamw.hpp"
#include "../csim/direct_loss.hpp"

extern "C" {

// numbers: masters, momentum, clip, rate, decay, decay_shift, gradient_shift, rate_shift, key,
// stochastic. figures: momentum saturated and largest, weight saturated and largest, squares.
void update_sgd(int64_t count, int16_t* high, int16_t* low, int16_t* momentum,
                const int16_t* gradient, const int64_t* numbers, int64_t* figures) {
    direct::SgdNumbers n;
    n.masters = numbers[0] != 0;
    n.momentum = uint32_t(numbers[1]);
    n.clip = uint32_t(numbers[2]);
    n.rate = uint32_t(numbers[3]);
    n.decay = uint32_t(numbers[4]);
    n.decay_shift = int(numbers[5]);
    n.gradient_shift = int(numbers[6]);
    n.rate_shift = int(numbers[7]);
    direct::UpdateFigures f;
    for (int64_t i = 0; i < count; ++i) {
        const direct::Noise noise = {numbers[9] != 0, uint32_t(numbers[8]), uint32_t(i)};
        const direct::SgdElement e =
            direct::update_sgd({high[i], low[i], momentum[i], gradient[i]}, n, noise, f);
        high[i] = e.high;
        low[i] = e.low;
        momentum[i] = e.momentum;
    }
    figures[0] = int64_t(f.momentum_saturated);
    figures[1] = f.momentum_largest;
    figures[2] = int64_t(f.weight_saturated);
    figures[3] = f.weight_largest;
    figures[4] = int64_t(f.squares);
}

// planes: high, low, first moment, second moment high, low, gradient. numbers: masters, beta1,
// alpha2, clip, rate, correction, decay, decay_shift, mean_shift, square_shift, direction_shift,
// rate_shift, floor, key, second_key, stochastic. saturated: weights, first and second moments.
void update_adamw(int64_t count, int16_t* planes, const int64_t* numbers, int64_t* saturated) {
    direct::AdamwNumbers n;
    n.masters = numbers[0] != 0;
    n.beta1 = uint32_t(numbers[1]);
    n.alpha2 = uint32_t(numbers[2]);
    n.clip = uint32_t(numbers[3]);
    n.rate = uint32_t(numbers[4]);
    n.correction = uint32_t(numbers[5]);
    n.decay = uint32_t(numbers[6]);
    n.decay_shift = int(numbers[7]);
    n.mean_shift = int(numbers[8]);
    n.square_shift = int(numbers[9]);
    n.direction_shift = int(numbers[10]);
    n.rate_shift = int(numbers[11]);
    n.floor = numbers[12];
    direct::AdamwFigures f;
    for (int64_t i = 0; i < count; ++i) {
        int16_t* const at = planes + i;
        const direct::Noise noise = {numbers[15] != 0, uint32_t(numbers[13]), uint32_t(i)};
        const direct::Noise second = {numbers[15] != 0, uint32_t(numbers[14]), uint32_t(i)};
        const direct::AdamwElement e = direct::update_adamw(
            {at[0], at[count], at[2 * count], at[3 * count], at[4 * count], at[5 * count]}, n,
            noise, second, f);
        at[0] = e.high;
        at[count] = e.low;
        at[2 * count] = e.mean;
        at[3 * count] = e.second_high;
        at[4 * count] = e.second_low;
    }
    saturated[0] = int64_t(f.update.weight_saturated);
    saturated[1] = int64_t(f.update.momentum_saturated);
    saturated[2] = int64_t(f.second_saturated);
}

// numbers: exp_multiplier, exp_shift, frac. Returns how many gradients saturated.
int64_t cross_entropy(int64_t classes, const int16_t* logits, const int16_t* target,
                      const int64_t* numbers, int16_t* gradient) {
    uint64_t saturated = 0;
    const direct::LossNumbers n = {uint32_t(numbers[0]), int(numbers[1]), int(numbers[2])};
    const direct::Row result = direct::cross_entropy(
        direct::Row(logits, logits + classes), direct::Row(target, target + classes), n, saturated);
    std::copy(result.begin(), result.end(), gradient);
    return int64_t(saturated);
}
}
