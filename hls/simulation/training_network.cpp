// The blocks of training, in a simulator that is built with them (TRIVIT_TRAINING).
#ifdef TRIVIT_TRAINING

#include "../src/cross_entropy.cpp"
#include "../src/gelu_backward.cpp"
#include "../src/normalise_backward.cpp"
#include "../src/softmax_backward.cpp"
#include "../src/update.cpp"
#include "Vaccelerator.h"
#include "command.hpp"
#include "connect.hpp"

namespace simulation {

using namespace trivit::blocks;

// Places in the ports that hold several channels: as in accelerator.sv.
void Network::connect_training(Vaccelerator& top) {
    typedef hls::stream<Command, kCommandDepth> Commands;
    Commands gelu("gelu_backward"), softmax("softmax_backward"), loss("cross_entropy"),
        norm("normalise_backward"), update("update");
    hls::stream<TileRow> gelu_rows("gelu_backward_rows"), gelu_partners("gelu_backward_partners"),
        gelu_results("gelu_backward_results");
    hls::stream<TileRow> softmax_rows("softmax_backward_rows"),
        softmax_partners("softmax_backward_partners"), softmax_results("softmax_backward_results");
    hls::stream<TileRow> logits("cross_entropy_logits"), targets("cross_entropy_targets"),
        loss_results("cross_entropy_results");
    hls::stream<WordPair> norm_rows("normalise_backward_rows"),
        norm_results("normalise_backward_results");
    hls::stream<Vectors> vectors("normalise_backward_vectors");
    std::vector<hls::stream<Word>> words = for_ports<Word>("update_words"),
                                   results = for_ports<Word>("update_results");
    std::vector<hls::stream<Report>> reports;
    for (const char* name :
         {"gelu_backward_reports", "softmax_backward_reports", "cross_entropy_reports",
          "normalise_backward_reports", "update_reports"})
        reports.emplace_back(name);

    trivit_gelu_backward(gelu, gelu_rows, gelu_partners, gelu_results, reports[0]);
    add_block(kUnitGeluBackward, gelu.channel().get());
    trivit_softmax_backward(softmax, softmax_rows, softmax_partners, softmax_results, reports[1]);
    add_block(kUnitSoftmaxBackward, softmax.channel().get());
    trivit_cross_entropy(loss, logits, targets, loss_results, reports[2]);
    add_block(kUnitCrossEntropy, loss.channel().get());
    trivit_normalise_backward(norm, norm_rows, vectors, norm_results, reports[3]);
    add_block(kUnitNormaliseBackward, norm.channel().get());
    trivit_update(update, words[0], words[1], words[2], words[3], results[0], results[1],
                  results[2], results[3], reports[4]);
    add_block(kUnitUpdate, update.channel().get());

    FROM_RTL_AT(gelu, block_commands, 256, 0);
    FROM_RTL_AT(softmax, block_commands, 256, 1);
    FROM_RTL_AT(loss, block_commands, 256, 2);
    FROM_RTL_AT(norm, block_commands, 256, 3);
    FROM_RTL_AT(update, block_commands, 256, 4);
    FROM_RTL_AT(gelu_rows, backward_rows, 512, 0);
    FROM_RTL_AT(softmax_rows, backward_rows, 512, 1);
    FROM_RTL_AT(logits, backward_rows, 512, 2);
    FROM_RTL_AT(gelu_partners, backward_partners, 512, 0);
    FROM_RTL_AT(softmax_partners, backward_partners, 512, 1);
    FROM_RTL_AT(targets, backward_partners, 512, 2);
    INTO_RTL_AT(gelu_results, backward_results, 512, 0);
    INTO_RTL_AT(softmax_results, backward_results, 512, 1);
    INTO_RTL_AT(loss_results, backward_results, 512, 2);
    FROM_RTL(norm_rows, normalise_backward_rows, 256);
    FROM_RTL(vectors, normalise_backward_vectors, 256);
    INTO_RTL(norm_results, normalise_backward_results, 256);
    for (int port = 0; port < 4; ++port) {
        FROM_RTL_AT(words[std::size_t(port)], update_words, 128, port);
        INTO_RTL_AT(results[std::size_t(port)], update_results, 128, port);
    }
    for (int block = 0; block < 5; ++block)
        INTO_RTL_AT(reports[std::size_t(block)], training_reports, 64, block);
}

}  // namespace simulation

#endif
