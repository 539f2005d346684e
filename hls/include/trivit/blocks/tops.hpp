// The top functions of the blocks (hls/src), for whoever builds a network of them.
#ifndef TRIVIT_BLOCKS_TOPS_HPP
#define TRIVIT_BLOCKS_TOPS_HPP

#include "connections.hpp"
#include "cross_entropy.hpp"
#include "gelu.hpp"
#include "gelu_backward.hpp"
#include "normalise.hpp"
#include "normalise_backward.hpp"
#include "select.hpp"
#include "sequencer.hpp"
#include "softmax.hpp"
#include "softmax_backward.hpp"
#include "update.hpp"
#include "update_adamw.hpp"

void trivit_sequencer(
    hls::stream<trivit::blocks::JobWord>& jobs, hls::stream<trivit::blocks::Command>& descriptors,
    hls::stream<trivit::blocks::Command>& engine, hls::stream<trivit::blocks::Command>& gelu,
    hls::stream<trivit::blocks::Command>& softmax, hls::stream<trivit::blocks::Command>& normalise,
    hls::stream<trivit::blocks::Command>& select, hls::stream<trivit::blocks::Command>& row_writer,
    hls::stream<trivit::blocks::Command>& softmax_writer,
    hls::stream<trivit::blocks::Command>& norm_writer,
    hls::stream<trivit::blocks::Command>& row_reader, hls::stream<trivit::blocks::Command>& load,
    hls::stream<trivit::blocks::Command>& store, hls::stream<trivit::blocks::Command>& connections,
    hls::stream<trivit::blocks::Command>& training, hls::stream<trivit::blocks::Move>& weights0,
    hls::stream<trivit::blocks::Move>& weights1, hls::stream<trivit::blocks::Move>& weights2,
    hls::stream<trivit::blocks::Move>& weights3, hls::stream<trivit::blocks::Move>& rows0,
    hls::stream<trivit::blocks::Move>& rows1, hls::stream<trivit::blocks::Move>& rows2,
    hls::stream<trivit::blocks::Move>& rows3, hls::stream<trivit::blocks::Move>& stores0,
    hls::stream<trivit::blocks::Move>& stores1, hls::stream<trivit::blocks::Move>& stores2,
    hls::stream<trivit::blocks::Move>& stores3, hls::stream<ap_uint<24>>& program_end);

void trivit_gelu(hls::stream<trivit::blocks::Command>& commands,
                 hls::stream<trivit::blocks::TileRow>& rows,
                 hls::stream<trivit::blocks::TileRow>& results,
                 hls::stream<trivit::blocks::Report>& reports);

void trivit_softmax(hls::stream<trivit::blocks::Command>& commands,
                    hls::stream<trivit::blocks::TileRow>& scores,
                    hls::stream<trivit::blocks::OpenKeys>& open,
                    hls::stream<trivit::blocks::WordPair>& results,
                    hls::stream<trivit::blocks::Word>& cls,
                    hls::stream<trivit::blocks::LivePair>& all,
                    hls::stream<trivit::blocks::Report>& reports);

void trivit_normalise(hls::stream<trivit::blocks::Command>& commands,
                      hls::stream<trivit::blocks::WordPair>& rows,
                      hls::stream<trivit::blocks::Vectors>& vectors,
                      hls::stream<trivit::blocks::WordPair>& results,
                      hls::stream<trivit::blocks::Report>& reports);

void trivit_select(hls::stream<trivit::blocks::Command>& commands,
                   hls::stream<trivit::blocks::Word>& cls, hls::stream<trivit::blocks::Word>& lists,
                   hls::stream<trivit::blocks::KeptWord>& kept,
                   hls::stream<trivit::blocks::Report>& reports);

void trivit_connections(hls::stream<trivit::blocks::Command>& commands,
                        hls::stream<trivit::blocks::LivePair>& all,
                        hls::stream<trivit::blocks::KeptWord>& kept,
                        hls::stream<trivit::blocks::OpenKeys>& open,
                        hls::stream<trivit::blocks::Report>& reports);

// Of training. Partners come with rows, word for word.
void trivit_gelu_backward(hls::stream<trivit::blocks::Command>& commands,
                          hls::stream<trivit::blocks::TileRow>& rows,
                          hls::stream<trivit::blocks::TileRow>& partners,
                          hls::stream<trivit::blocks::TileRow>& results,
                          hls::stream<trivit::blocks::Report>& reports);

void trivit_softmax_backward(hls::stream<trivit::blocks::Command>& commands,
                             hls::stream<trivit::blocks::TileRow>& rows,
                             hls::stream<trivit::blocks::TileRow>& partners,
                             hls::stream<trivit::blocks::TileRow>& results,
                             hls::stream<trivit::blocks::Report>& reports);

void trivit_normalise_backward(hls::stream<trivit::blocks::Command>& commands,
                               hls::stream<trivit::blocks::WordPair>& rows,
                               hls::stream<trivit::blocks::Vectors>& vectors,
                               hls::stream<trivit::blocks::WordPair>& results,
                               hls::stream<trivit::blocks::Report>& reports);

void trivit_cross_entropy(hls::stream<trivit::blocks::Command>& commands,
                          hls::stream<trivit::blocks::TileRow>& logits,
                          hls::stream<trivit::blocks::TileRow>& targets,
                          hls::stream<trivit::blocks::TileRow>& results,
                          hls::stream<trivit::blocks::Report>& reports);

void trivit_update(
    hls::stream<trivit::blocks::Command>& commands, hls::stream<trivit::blocks::Word>& words0,
    hls::stream<trivit::blocks::Word>& words1, hls::stream<trivit::blocks::Word>& words2,
    hls::stream<trivit::blocks::Word>& words3, hls::stream<trivit::blocks::Word>& results0,
    hls::stream<trivit::blocks::Word>& results1, hls::stream<trivit::blocks::Word>& results2,
    hls::stream<trivit::blocks::Word>& results3, hls::stream<trivit::blocks::Report>& reports);

void trivit_update_adamw(
    hls::stream<trivit::blocks::Command>& commands, hls::stream<trivit::blocks::Word>& words0,
    hls::stream<trivit::blocks::Word>& words1, hls::stream<trivit::blocks::Word>& words2,
    hls::stream<trivit::blocks::Word>& words3, hls::stream<trivit::blocks::Word>& results0,
    hls::stream<trivit::blocks::Word>& results1, hls::stream<trivit::blocks::Word>& results2,
    hls::stream<trivit::blocks::Word>& results3, hls::stream<trivit::blocks::Report>& reports);

#endif
