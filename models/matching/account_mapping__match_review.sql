{%- set most_pairs = var('account_mapping__review_pairs') -%}
with

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

match_reasons as (

    select * from {{ ref('int_account_mapping__match_reasons') }}

),

scored_pairs as (

    select * from {{ ref('int_account_mapping__scored_pairs') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

accepted as (

    select distinct
        partner_id,
        account_id

    from links
    where decision = 'accepted'

),

found as (

    select
        partner_id,
        account_id,
        partner_account_id

    from links
    where
        decision = 'accepted'
        and relationship = 'same'

),

found_accounts as (

    select distinct
        partner_id,
        account_id

    from found

),

found_partner_accounts as (

    select distinct
        partner_id,
        partner_account_id

    from found

),

-- nobody has to look at two accounts whose company is found already, nor at the tenth candidate of one account
waiting as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.match_probability,
        links.match_method,
        count(*) over (partition by links.partner_id, links.account_id) as pairs_waiting,
        row_number() over (
            partition by links.partner_id, links.account_id
            order by links.match_probability desc, links.partner_account_id
        ) as our_preference,
        row_number() over (
            partition by links.partner_id, links.partner_account_id
            order by links.match_probability desc, links.account_id
        ) as partner_preference

    from links
    left join found_accounts
        on
            links.partner_id = found_accounts.partner_id
            and links.account_id = found_accounts.account_id
    left join found_partner_accounts
        on
            links.partner_id = found_partner_accounts.partner_id
            and links.partner_account_id = found_partner_accounts.partner_account_id
    where
        links.decision = 'review'
        and (found_accounts.account_id is null or found_partner_accounts.partner_account_id is null)

),

queue as (

    select
        waiting.partner_id,
        waiting.account_id,
        waiting.partner_account_id,
        waiting.match_probability,
        waiting.match_method,
        waiting.pairs_waiting,
        accepted.account_id is not null as is_account_already_matched,
        row_number() over (
            partition by waiting.partner_id
            order by
                -- pipeline of an account that has its match is not at stake
                case when accepted.account_id is null then 0 else 1 end,
                accounts.open_amount desc, waiting.match_probability desc,
                waiting.account_id, waiting.partner_account_id
        ) as review_rank

    from waiting
    inner join accounts
        on waiting.account_id = accounts.account_id
    left join accepted
        on
            waiting.partner_id = accepted.partner_id
            and waiting.account_id = accepted.account_id
    where
        waiting.our_preference <= {{ most_pairs }}
        and waiting.partner_preference <= {{ most_pairs }}

),

queued_accounts as (

    select distinct
        partner_id,
        account_id

    from queue

),

-- what else our account could be: the best pair of the same account and partner, of that pair itself the second best
best_pairs as (

    select
        scored_pairs.partner_id,
        scored_pairs.account_id,
        scored_pairs.partner_account_id,
        scored_pairs.match_probability,
        lead(scored_pairs.partner_account_id) over (
            partition by scored_pairs.partner_id, scored_pairs.account_id
            order by scored_pairs.match_probability desc, scored_pairs.partner_account_id
        ) as second_partner_account_id,
        lead(scored_pairs.match_probability) over (
            partition by scored_pairs.partner_id, scored_pairs.account_id
            order by scored_pairs.match_probability desc, scored_pairs.partner_account_id
        ) as second_probability,
        row_number() over (
            partition by scored_pairs.partner_id, scored_pairs.account_id
            order by scored_pairs.match_probability desc, scored_pairs.partner_account_id
        ) as preference

    from scored_pairs
    inner join queued_accounts
        on
            scored_pairs.partner_id = queued_accounts.partner_id
            and scored_pairs.account_id = queued_accounts.account_id

),

rivals as (

    select
        queue.partner_id,
        queue.account_id,
        queue.partner_account_id,
        case
            when best_pairs.partner_account_id <> queue.partner_account_id then best_pairs.partner_account_id
            else best_pairs.second_partner_account_id
        end as rival_partner_account_id,
        case
            when best_pairs.partner_account_id <> queue.partner_account_id then best_pairs.match_probability
            else best_pairs.second_probability
        end as rival_probability

    from queue
    inner join best_pairs
        on
            queue.partner_id = best_pairs.partner_id
            and queue.account_id = best_pairs.account_id
            and best_pairs.preference = 1

),

final as (

    select
        ---------- ids
        links.partner_id,
        links.account_id,
        links.partner_account_id,

        ---------- the partner: `partner_name` was the name of its account already
        {{ account_mapping.partner_columns('links', name='partner_display_name') | indent(8) }},

        ---------- both sides
        accounts.name as our_name,
        partner_accounts.name as partner_name,
        accounts.domains as our_domains,
        partner_accounts.domains as partner_domains,
        accounts.country_code as our_country_code,
        partner_accounts.country_code as partner_country_code,
        accounts.country as our_country,
        partner_accounts.country as partner_country,
        {{ account_mapping.spreadsheet_safe('accounts.city') }} as our_city,
        {{ account_mapping.spreadsheet_safe('partner_accounts.city') }} as partner_city,
        accounts.status as our_status,
        partner_accounts.status as partner_status,
        {{ account_mapping.spreadsheet_safe('accounts.owner') }} as our_owner,

        ---------- evidence
        links.match_probability,
        links.match_method,
        match_reasons.match_reason,
        cast(scored_pairs.name_similarity as double) as name_similarity,
        scored_pairs.shared_words,
        scored_pairs.our_other_words,
        scored_pairs.partner_other_words,

        ---------- the closest rival
        rivals.rival_partner_account_id,
        rival_accounts.name as rival_name,
        cast(rivals.rival_probability as decimal(5, 4)) as rival_probability,
        links.is_account_already_matched,
        links.pairs_waiting,
        accounts.open_amount as our_open_amount,
        cast(links.review_rank as bigint) as review_rank

    from queue as links
    inner join match_reasons
        on
            links.partner_id = match_reasons.partner_id
            and links.account_id = match_reasons.account_id
            and links.partner_account_id = match_reasons.partner_account_id
    left join scored_pairs
        on
            links.partner_id = scored_pairs.partner_id
            and links.account_id = scored_pairs.account_id
            and links.partner_account_id = scored_pairs.partner_account_id
    inner join accounts
        on links.account_id = accounts.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id
    left join rivals
        on
            links.partner_id = rivals.partner_id
            and links.account_id = rivals.account_id
            and links.partner_account_id = rivals.partner_account_id
    left join partner_accounts as rival_accounts
        on
            rivals.partner_id = rival_accounts.partner_id
            and rivals.rival_partner_account_id = rival_accounts.account_id
    left join partners
        on links.partner_id = partners.partner_id

)

select * from final
order by partner_id, review_rank
