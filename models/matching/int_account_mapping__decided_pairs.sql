{%- set accept_threshold = var('account_mapping__accept_threshold') -%}
{%- set review_threshold = var('account_mapping__review_threshold') -%}
with

match_overrides as (

    select * from {{ ref('int_account_mapping__match_overrides') }}

),

scored_pairs as (

    select * from {{ ref('int_account_mapping__scored_pairs') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

account_tokens as (

    select * from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

-- most pairs are far from being one company; a person may decide on those too, and on such as were never compared
pairs as (

    select
        coalesce(scored_pairs.partner_id, match_overrides.partner_id) as partner_id,
        coalesce(scored_pairs.account_id, match_overrides.account_id) as account_id,
        coalesce(scored_pairs.partner_account_id, match_overrides.partner_account_id) as partner_account_id,
        match_overrides.decision as override_decision,
        match_overrides.decided_by,
        match_overrides.decided_on,
        scored_pairs.match_probability,
        scored_pairs.match_method,
        scored_pairs.declared_relationship,
        scored_pairs.name_similarity,
        scored_pairs.name_probability,
        scored_pairs.our_other_words,
        scored_pairs.partner_other_words,
        scored_pairs.our_name_fits,
        scored_pairs.partner_name_fits,
        scored_pairs.relationship_by_name,
        scored_pairs.relationship_by_website,
        scored_pairs.country_agreement,
        scored_pairs.is_part_name

    from scored_pairs
    full outer join match_overrides
        on
            scored_pairs.partner_id = match_overrides.partner_id
            and scored_pairs.account_id = match_overrides.account_id
            and scored_pairs.partner_account_id = match_overrides.partner_account_id
    where
        scored_pairs.match_probability >= {{ review_threshold }}
        or match_overrides.account_id is not null

),

-- an excluded account is a member of nothing: exclusion beats override
final as (

    select
        pairs.partner_id,
        pairs.account_id,
        pairs.partner_account_id,
        partners.account_scope,
        coalesce(account_tokens.token, pairs.account_id) as our_order,
        our_members.unit_id as our_unit_id,
        their_members.unit_id as partner_unit_id,
        case when our_members.unit_id = our_members.account_id then 0 else 1 end as our_depth,
        case when their_members.unit_id = their_members.account_id then 0 else 1 end as partner_depth,
        our_members.status_rank as our_status_rank,
        their_members.status_rank as partner_status_rank,
        our_members.open_amount as our_open_amount,
        our_members.unit_status_rank as our_unit_status_rank,
        our_members.unit_open_amount as our_unit_open_amount,
        their_members.unit_status_rank as partner_unit_status_rank,
        case
            when pairs.override_decision = 'match' then 1.0
            else coalesce(pairs.match_probability, 0.0)
        end as match_probability,
        case
            when pairs.override_decision = 'match' then 'override'
            else coalesce(pairs.match_method, 'override')
        end as match_method,
        case
            when pairs.override_decision = 'match' then 'accepted'
            when pairs.override_decision = 'no_match' then 'rejected'
            when pairs.match_probability >= {{ accept_threshold }} then 'accepted'
            else 'review'
        end as decision,
        case
            when pairs.override_decision is not null
                then coalesce(pairs.decided_by, 'override')
            else 'threshold'
        end as decided_by,
        pairs.override_decision,
        pairs.decided_on,
        case
            when pairs.override_decision is null then pairs.declared_relationship
        end as declared_relationship,
        coalesce(pairs.name_similarity, 0.0) as name_similarity,
        coalesce(pairs.name_probability, 0.0) as name_probability,
        case
            when pairs.relationship_by_name is not null then pairs.relationship_by_name
            when pairs.our_other_words is not null and pairs.partner_other_words is null
                then 'subsidiary'
            when pairs.our_other_words is null and pairs.partner_other_words is not null
                then 'parent'
            -- on a group's website the name that it is called after is the parent's
            when pairs.our_name_fits and not pairs.partner_name_fits then 'parent'
            when pairs.partner_name_fits and not pairs.our_name_fits then 'subsidiary'
            else 'sibling'
        end as relationship_by_name,
        case when pairs.override_decision is null then pairs.relationship_by_website end
            as relationship_by_website,
        coalesce(pairs.country_agreement = 'different', false) as is_abroad,
        -- a name in another country, that of a group, or one with a telling word more is the family's: only a website
        -- or number makes it the company
        coalesce(pairs.match_method in ('name_exact', 'name_fuzzy'), false)
        and (
            pairs.relationship_by_name is not null
            or coalesce(pairs.is_part_name, false)
            or coalesce(pairs.country_agreement = 'different', false)
        ) as is_family_name

    from pairs
    inner join partners
        on pairs.partner_id = partners.partner_id
    inner join members as our_members
        on
            our_members.side = 'ours'
            and partners.account_scope = our_members.scope
            and pairs.account_id = our_members.account_id
    inner join members as their_members
        on
            their_members.side = 'partner'
            and pairs.partner_id = their_members.scope
            and pairs.partner_account_id = their_members.account_id
    left join account_tokens
        on
            pairs.partner_id = account_tokens.partner_id
            and pairs.account_id = account_tokens.account_id

)

select * from final
