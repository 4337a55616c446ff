{#- Precision and recall that the package reaches on labelled pairs by itself, against floors: one row per figure that
    is too low. It is attached to the labels, since a project can attach tests to its own nodes only.

    model: labelled pairs, with partner_id, account_id (as in overrides the bare id will do where it is unambiguous),
    partner_account_id and decision (`match`, `no_match`). Rows of any other word play no part.
    min_precision, min_recall: floors between 0 and 1; at least one of them. Precision is the share of matches among
    the labelled pairs that reach the threshold, and no figure if none does; recall the share of the labelled matches
    that reach it.
    min_labels: with fewer labelled pairs the test fails, whatever they say.
    matches: what is judged; `int_account_mapping__scored_pairs`, which overrides do not touch, so that a decision that
    only repeats the label is no success. Another relation needs match_probability, and match_method, which leaves out
    what people decided: in `account_mapping__matches` a confirmed pair counts as not found.
    accept_threshold: the var `account_mapping__accept_threshold` as the project sees it, else the package's default. -#}
{% test account_mapping__match_quality_floor(
    model, min_precision=none, min_recall=none, min_labels=1, matches=none, accept_threshold=none
) %}

{%- if min_precision is none and min_recall is none -%}
    {%- do exceptions.raise_compiler_error(
        "account_mapping__match_quality_floor needs min_precision, min_recall, or both."
    ) -%}
{%- endif -%}
{%- if accept_threshold is none -%}
    {%- set accept_threshold = var('account_mapping__accept_threshold', 0.92) -%}
{%- endif -%}
{%- if matches is none -%}
    {%- set matches = ref('account_mapping', 'int_account_mapping__scored_pairs') -%}
{%- endif -%}

with

matches as (

    select * from {{ matches }}
    where
        match_method <> 'override'
        and match_probability >= {{ accept_threshold }}

),

account_spellings as (

    select * from {{ ref('account_mapping', 'int_account_mapping__account_spellings') }}

),

labels as (

    select distinct
        labelled_pairs.partner_id,
        coalesce(account_spellings.account_id, labelled_pairs.account_id) as account_id,
        labelled_pairs.partner_account_id,
        lower(trim(labelled_pairs.decision)) as decision

    from {{ model }} as labelled_pairs
    left join account_spellings
        on labelled_pairs.account_id = account_spellings.spelling
    where lower(trim(labelled_pairs.decision)) in ('match', 'no_match')

),

judged as (

    select
        labels.decision = 'match' as is_match,
        matches.partner_id is not null as is_accepted

    from labels
    left join matches
        on
            labels.partner_id = matches.partner_id
            and labels.account_id = matches.account_id
            and labels.partner_account_id = matches.partner_account_id

),

counted as (

    select
        count(*) as labelled_pairs,
        sum(case when is_match then 1 else 0 end) as labelled_matches,
        sum(case when is_accepted then 1 else 0 end) as accepted_pairs,
        sum(case when is_accepted and is_match then 1 else 0 end) as accepted_matches

    from judged

),

figures as (

    select
        'labelled pairs' as figure,
        cast(labelled_pairs as double) as measured,
        cast({{ min_labels }} as double) as at_least,
        labelled_pairs

    from counted
    {% if min_precision is not none %}
    union all

    select
        'precision' as figure,
        round(cast(accepted_matches as double) / nullif(accepted_pairs, 0), 4) as measured,
        cast({{ min_precision }} as double) as at_least,
        labelled_pairs

    from counted
    {% endif %}
    {%- if min_recall is not none %}
    union all

    select
        'recall' as figure,
        round(cast(accepted_matches as double) / nullif(labelled_matches, 0), 4) as measured,
        cast({{ min_recall }} as double) as at_least,
        labelled_pairs

    from counted
    {% endif %}
)

select * from figures
where measured < at_least

{% endtest %}
