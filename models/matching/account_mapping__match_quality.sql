{%- set accept_threshold = var('account_mapping__accept_threshold') -%}
{%- set review_threshold = var('account_mapping__review_threshold') -%}
{#- fewer answers say too little: 19 times of 20 a share of 50 is within .14 of the truth, one of 30 within .18 -#}
{%- set least_known_pairs = 50 -%}
{%- set least_labelled_pairs = 30 -%}
{#- a best candidate below this is none -#}
{%- set least_probability = 0.01 -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

scored_pairs as (

    select * from {{ ref('int_account_mapping__scored_pairs') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

key_matches as (

    select * from {{ ref('int_account_mapping__key_matches') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

pairs as (

    select
        coalesce(scored_pairs.partner_id, links.partner_id) as partner_id,
        coalesce(scored_pairs.account_id, links.account_id) as account_id,
        coalesce(scored_pairs.partner_account_id, links.partner_account_id) as partner_account_id,
        links.decision,
        links.override_decision,
        coalesce(links.match_method, scored_pairs.match_method) as match_method,
        coalesce(scored_pairs.match_method, 'override') as own_match_method,
        -- what people decided is known: a rejected pair is nobody's candidate
        cast(
            case
                when links.override_decision = 'match' then 1
                when links.override_decision = 'no_match' then 0
                else scored_pairs.match_probability
            end as decimal(5, 4)
        ) as match_probability,
        coalesce(scored_pairs.match_probability, 0) >= {{ accept_threshold }} as is_own_accepted,
        coalesce(scored_pairs.match_probability, 0) >= {{ review_threshold }} as is_own_candidate

    from scored_pairs
    full outer join links
        on
            scored_pairs.partner_id = links.partner_id
            and scored_pairs.account_id = links.account_id
            and scored_pairs.partner_account_id = links.partner_account_id

),

counted as (

    select
        partner_id,
        match_method,
        sum(case when decision = 'accepted' then 1 else 0 end) as accepted_pairs,
        sum(case when decision = 'review' then 1 else 0 end) as review_pairs,
        sum(case when decision = 'rejected' then 1 else 0 end) as rejected_pairs,
        sum(case when decision = 'accepted' then match_probability end) as accepted_probability

    from pairs
    group by partner_id, match_method

),

matched_accounts as (

    select distinct
        partner_id,
        account_id

    from pairs
    where decision = 'accepted'

),

-- an account without a link may have a partner account all the same: its best candidate, as likely as that is
candidates as (

    select
        pairs.partner_id,
        pairs.match_method,
        pairs.match_probability,
        row_number() over (
            partition by pairs.partner_id, pairs.account_id
            order by pairs.match_probability desc, pairs.partner_account_id
        ) as preference

    from pairs
    left join matched_accounts
        on
            pairs.partner_id = matched_accounts.partner_id
            and pairs.account_id = matched_accounts.account_id
    where
        matched_accounts.account_id is null
        and pairs.match_probability >= {{ least_probability }}

),

missed as (

    select
        partner_id,
        match_method,
        sum(match_probability) as missed_probability

    from candidates
    where preference = 1
    group by partner_id, match_method

),

labelled as (

    select
        partner_id,
        own_match_method as match_method,
        count(*) as labelled_pairs,
        sum(case when override_decision = 'match' then 1 else 0 end) as labelled_matches,
        sum(case when is_own_accepted then 1 else 0 end) as labelled_accepted,
        sum(case when is_own_accepted and override_decision = 'match' then 1 else 0 end) as labelled_right,
        sum(case when is_own_candidate and not is_own_accepted then 1 else 0 end) as labelled_review,
        sum(
            case when is_own_candidate and not is_own_accepted and override_decision = 'match' then 1 else 0 end
        ) as labelled_review_right

    from pairs
    where override_decision is not null
    group by partner_id, own_match_method

),

named_accounts as (

    select distinct account_id from account_keys
    where
        side = 'ours'
        and key_type = 'name'

),

their_keys as (

    select
        partner_id,
        account_id as partner_account_id,
        key_type

    from account_keys
    where side = 'partner'

    union all

    select
        partner_id,
        account_token as partner_account_id,
        key_type

    from partner_key_rows

),

-- a name match with a partner account that has no website is neither known to be right nor known to be wrong
their_accounts as (

    select
        their_keys.partner_id,
        their_keys.partner_account_id,
        members.unit_id

    from their_keys
    inner join members
        on
            their_keys.partner_id = members.scope
            and their_keys.partner_account_id = members.account_id
    where their_keys.key_type in ('domain', 'name')
    group by their_keys.partner_id, their_keys.partner_account_id, members.unit_id
    having count(distinct their_keys.key_type) = 2

),

-- accounts that one partner account shares a website with, one that nobody else has: names can be held against it
known_accounts as (

    select
        key_matches.partner_id,
        key_matches.account_id,
        min(key_matches.partner_account_id) as known_partner_account_id

    from key_matches
    inner join scored_pairs
        on
            key_matches.partner_id = scored_pairs.partner_id
            and key_matches.account_id = scored_pairs.account_id
            and key_matches.partner_account_id = scored_pairs.partner_account_id
    left join links
        on
            key_matches.partner_id = links.partner_id
            and key_matches.account_id = links.account_id
            and key_matches.partner_account_id = links.partner_account_id
    where
        key_matches.key_type = 'domain'
        and key_matches.is_unambiguous
        and not scored_pairs.has_lei_conflict
        and not scored_pairs.has_duns_conflict
        and coalesce(links.override_decision, 'match') = 'match'
    group by key_matches.partner_id, key_matches.account_id
    having count(distinct key_matches.partner_account_id) = 1

),

exact_names as (

    select distinct
        partner_id,
        account_id,
        partner_account_id

    from key_matches
    where key_type in ('name', 'name_sorted')

),

name_pairs as (

    select
        scored_pairs.partner_id,
        case
            when exact_names.account_id is not null or scored_pairs.exchange = 'keys' then 'name_exact'
            else 'name_fuzzy'
        end as match_method,
        known_accounts.known_partner_account_id = scored_pairs.partner_account_id as is_known,
        their_accounts.unit_id = known_partner_accounts.unit_id as is_right,
        least(scored_pairs.name_probability, scored_pairs.name_ceiling) >= {{ accept_threshold }} as is_accepted

    from scored_pairs
    inner join named_accounts
        on scored_pairs.account_id = named_accounts.account_id
    inner join their_accounts
        on
            scored_pairs.partner_id = their_accounts.partner_id
            and scored_pairs.partner_account_id = their_accounts.partner_account_id
    inner join known_accounts
        on
            scored_pairs.partner_id = known_accounts.partner_id
            and scored_pairs.account_id = known_accounts.account_id
    inner join their_accounts as known_partner_accounts
        on
            known_accounts.partner_id = known_partner_accounts.partner_id
            and known_accounts.known_partner_account_id = known_partner_accounts.partner_account_id
    left join exact_names
        on
            scored_pairs.partner_id = exact_names.partner_id
            and scored_pairs.account_id = exact_names.account_id
            and scored_pairs.partner_account_id = exact_names.partner_account_id

),

websites as (

    select
        partner_id,
        match_method,
        sum(case when is_known then 1 else 0 end) as known_pairs,
        sum(case when is_known and is_accepted then 1 else 0 end) as known_accepted,
        sum(case when is_accepted then 1 else 0 end) as judged_pairs,
        sum(case when is_accepted and is_right then 1 else 0 end) as judged_right

    from name_pairs
    group by partner_id, match_method

),

website_totals as (

    select
        partner_id,
        sum(known_pairs) as all_known_pairs,
        sum(known_accepted) as all_known_accepted

    from websites
    group by partner_id

),

methods as (

    select
        partner_id,
        match_method

    from pairs

    union

    select
        partner_id,
        own_match_method as match_method

    from pairs
    where override_decision is not null

    union

    select
        partner_id,
        match_method

    from websites

),

ingredients as (

    select
        methods.partner_id,
        methods.match_method,
        coalesce(counted.accepted_pairs, 0) as accepted_pairs,
        coalesce(counted.review_pairs, 0) as review_pairs,
        coalesce(counted.rejected_pairs, 0) as rejected_pairs,
        coalesce(counted.accepted_probability, 0) as accepted_probability,
        coalesce(missed.missed_probability, 0) as missed_probability,
        coalesce(labelled.labelled_pairs, 0) as labelled_pairs,
        coalesce(labelled.labelled_matches, 0) as labelled_matches,
        coalesce(labelled.labelled_accepted, 0) as labelled_accepted,
        coalesce(labelled.labelled_right, 0) as labelled_right,
        coalesce(labelled.labelled_review, 0) as labelled_review,
        coalesce(labelled.labelled_review_right, 0) as labelled_review_right,
        coalesce(websites.known_pairs, 0) - coalesce(websites.known_accepted, 0) as known_missed,
        coalesce(websites.judged_pairs, 0) as judged_pairs,
        websites.judged_right,
        website_totals.all_known_accepted,
        case
            when methods.match_method = 'override' then 'people decided'
            when labelled.labelled_accepted >= {{ least_labelled_pairs }} then 'labelled pairs'
            when
                methods.match_method in ('name_exact', 'name_fuzzy')
                and website_totals.all_known_pairs >= {{ least_known_pairs }}
                and website_totals.all_known_accepted > 0
                then 'shared websites'
            else 'match probabilities'
        end as how_estimated

    from methods
    left join counted
        on
            methods.partner_id = counted.partner_id
            and methods.match_method = counted.match_method
    left join missed
        on
            methods.partner_id = missed.partner_id
            and methods.match_method = missed.match_method
    left join labelled
        on
            methods.partner_id = labelled.partner_id
            and methods.match_method = labelled.match_method
    left join websites
        on
            methods.partner_id = websites.partner_id
            and methods.match_method = websites.match_method
    left join website_totals
        on methods.partner_id = website_totals.partner_id

),

-- rounded to eight decimals: what is divided later to four must not have been rounded to as few before
right_accepted as (

    select
        *,
        cast(
            case how_estimated
                when 'people decided' then accepted_pairs
                when 'labelled pairs'
                    then {{ account_mapping.share(
                        'accepted_pairs * labelled_right', 'labelled_accepted', decimals=8
                    ) }}
                when 'shared websites'
                    then case
                        when judged_pairs >= {{ least_known_pairs }}
                            then {{ account_mapping.share(
                                'accepted_pairs * judged_right', 'judged_pairs', decimals=8
                            ) }}
                        else accepted_probability
                    end
                else accepted_probability
            end as decimal(28, 8)
        ) as right_accepted_pairs

    from ingredients

),

names_right as (

    select
        partner_id,
        sum(right_accepted_pairs) as names_right_pairs

    from right_accepted
    where match_method in ('name_exact', 'name_fuzzy')
    group by partner_id

),

-- what names miss is in proportion to all that names find, whichever of the two methods finds it
right_pairs as (

    select
        right_accepted.*,
        cast(
            case
                when right_accepted.how_estimated = 'people decided' then 0
                when
                    right_accepted.how_estimated = 'labelled pairs'
                    and right_accepted.labelled_review >= {{ least_labelled_pairs }}
                    then {{ account_mapping.share(
                        'right_accepted.review_pairs * right_accepted.labelled_review_right',
                        'right_accepted.labelled_review', decimals=8
                    ) }}
                when right_accepted.how_estimated = 'shared websites'
                    then {{ account_mapping.share(
                        'names_right.names_right_pairs * right_accepted.known_missed',
                        'right_accepted.all_known_accepted', input_decimals=8, decimals=8
                    ) }}
                else right_accepted.missed_probability
            end as decimal(28, 8)
        ) as right_missed_pairs

    from right_accepted
    left join names_right
        on right_accepted.partner_id = names_right.partner_id

),

rows_to_show as (

    select
        partner_id,
        match_method,
        how_estimated,
        accepted_pairs,
        review_pairs,
        rejected_pairs,
        right_accepted_pairs,
        right_missed_pairs,
        labelled_pairs,
        labelled_matches,
        labelled_accepted,
        labelled_right

    from right_pairs

    union all

    select
        partners.partner_id,
        'all' as match_method,
        'all methods' as how_estimated,
        coalesce(sum(right_pairs.accepted_pairs), 0) as accepted_pairs,
        coalesce(sum(right_pairs.review_pairs), 0) as review_pairs,
        coalesce(sum(right_pairs.rejected_pairs), 0) as rejected_pairs,
        coalesce(sum(right_pairs.right_accepted_pairs), 0) as right_accepted_pairs,
        coalesce(sum(right_pairs.right_missed_pairs), 0) as right_missed_pairs,
        coalesce(sum(right_pairs.labelled_pairs), 0) as labelled_pairs,
        coalesce(sum(right_pairs.labelled_matches), 0) as labelled_matches,
        coalesce(sum(right_pairs.labelled_accepted), 0) as labelled_accepted,
        coalesce(sum(right_pairs.labelled_right), 0) as labelled_right

    from partners
    left join right_pairs
        on partners.partner_id = right_pairs.partner_id
    group by partners.partner_id

),

rated as (

    select
        *,
        cast(
            {{ account_mapping.share('right_accepted_pairs', 'accepted_pairs', input_decimals=8) }} as decimal(5, 4)
        ) as estimated_precision,
        -- what a model promises of a handful of pairs is no estimate
        how_estimated in ('match probabilities', 'all methods')
        and accepted_pairs > 0
        and accepted_pairs < {{ var('account_mapping__quality_pairs') }} as is_too_few,
        -- what people did not decide is unknown to a row of decisions
        case
            when match_method <> 'override'
                then cast(
                    {{ account_mapping.share(
                        'right_accepted_pairs', 'right_accepted_pairs + right_missed_pairs', input_decimals=8
                    ) }} as decimal(5, 4)
                )
        end as estimated_recall

    from rows_to_show

),

final as (

    select
        rated.partner_id,
        {{ account_mapping.partner_columns('rated') | indent(8) }},
        rated.match_method,
        cast(rated.accepted_pairs as bigint) as accepted_pairs,
        cast(rated.review_pairs as bigint) as review_pairs,
        cast(rated.rejected_pairs as bigint) as rejected_pairs,
        case when not rated.is_too_few then rated.estimated_precision end as estimated_precision,
        case when not rated.is_too_few then rated.estimated_recall end as estimated_recall,
        case
            when rated.is_too_few then 'too few pairs'
            when coalesce(rated.estimated_precision, rated.estimated_recall) is not null then rated.how_estimated
        end as how_estimated,
        cast(rated.labelled_pairs as bigint) as labelled_pairs,
        cast(rated.labelled_matches as bigint) as labelled_matches,
        cast(
            {{ account_mapping.share('rated.labelled_right', 'rated.labelled_accepted') }} as decimal(5, 4)
        ) as labelled_precision,
        cast(
            {{ account_mapping.share('rated.labelled_right', 'rated.labelled_matches') }} as decimal(5, 4)
        ) as labelled_recall

    from rated
    left join partners
        on rated.partner_id = partners.partner_id

)

select * from final
order by partner_id, match_method
