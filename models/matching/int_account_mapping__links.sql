{%- set namesake_threshold = 0.5 -%}
{#- Each step doubles the height that is reached: four see sixteen generations. -#}
{%- set doublings = 4 -%}
{#- Of the pairs of a partner's account with a family of ours, and the other way round, the best first. -#}
{%- set likest -%}
case when override_decision = 'match' or match_method = 'identifier' then 0 else 1 end,
name_probability desc, name_similarity desc, match_probability desc
{%- endset -%}
{%- set ours_first = 'partition by partner_id, partner_account_id, our_unit_id order by ' ~ likest
    ~ ', our_depth, our_status_rank, our_order' -%}
{%- set theirs_first = 'partition by partner_id, account_id, partner_unit_id order by ' ~ likest
    ~ ', partner_depth, partner_status_rank, partner_account_id' -%}
with

decided as (

    select * from {{ ref('int_account_mapping__decided_pairs') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

parents as (

    select
        side,
        scope,
        account_id,
        parent_account_id

    from members
    where parent_account_id is not null

),

climb_0 as (

    select
        side,
        scope,
        account_id,
        parent_account_id as ancestor_account_id

    from parents

),

{% for step in range(doublings) %}
climb_{{ step + 1 }} as {{ account_mapping.materialized() }} (

    select * from climb_{{ step }}
    union
    select
        lower_part.side,
        lower_part.scope,
        lower_part.account_id,
        upper_part.ancestor_account_id

    from climb_{{ step }} as lower_part
    inner join climb_{{ step }} as upper_part
        on
            lower_part.side = upper_part.side
            and lower_part.scope = upper_part.scope
            and lower_part.ancestor_account_id = upper_part.account_id

),
{% endfor %}

ancestors as (

    select * from climb_{{ doublings }}

),

-- within two families the pair that fits best both ways is the same company, the others are its family; where names
-- tell nothing the top of the family comes first, and an id decides last: the account's token where keys are
-- exchanged, which is all that the partner sees of it
fits as (

    select
        partner_id,
        account_id,
        partner_account_id,
        account_scope,
        match_method,
        name_probability,
        relationship_by_name,
        relationship_by_website,
        is_abroad,
        is_family_name,
        override_decision is not null or match_method = 'identifier' as is_settled,
        row_number() over ({{ ours_first }}) as our_fit,
        first_value(account_id) over ({{ ours_first }}) as best_account_id,
        row_number() over ({{ theirs_first }}) as partner_fit,
        first_value(partner_account_id) over ({{ theirs_first }}) as best_partner_account_id

    from decided
    where
        decision = 'accepted'
        and declared_relationship is null
        -- what cannot be the same company takes no part in the contest for it
        and coalesce(relationship_by_website, '') <> 'family'

),

-- accounts and partner accounts whose own company is found by name as well
namesakes as (

    select
        partner_id,
        account_id,
        partner_account_id

    from fits
    where
        name_probability >= {{ namesake_threshold }}
        and not is_family_name

),

namesake_accounts as (

    select distinct
        partner_id,
        account_id

    from namesakes

),

namesake_partner_accounts as (

    select distinct
        partner_id,
        partner_account_id

    from namesakes

),

related as (

    select
        fits.partner_id,
        fits.account_id,
        fits.partner_account_id,
        fits.is_family_name and fits.match_method = 'name_exact' as is_namesake_abroad,
        case
            when fits.is_settled then 'same'
            when fits.relationship_by_website = 'same' and not fits.is_abroad then 'same'
            when fits.is_family_name and fits.our_fit = 1 and fits.partner_fit = 1 then fits.relationship_by_name
            when fits.our_fit = 1 and fits.partner_fit = 1
                then case
                    -- one website, another name, and somebody else has that name: a branch that no CRM declares
                    when
                        fits.name_probability < {{ namesake_threshold }}
                        and (
                            namesake_accounts.account_id is not null
                            or namesake_partner_accounts.partner_account_id is not null
                        )
                        then fits.relationship_by_name
                    else 'same'
                end
            when fits.our_fit > 1
                then case
                    when our_ancestors.account_id is not null then 'subsidiary'
                    when our_descendants.account_id is not null then 'parent'
                    else 'sibling'
                end
            when partner_ancestors.account_id is not null then 'parent'
            when partner_descendants.account_id is not null then 'subsidiary'
            else 'sibling'
        end as relationship

    from fits
    left join namesake_accounts
        on
            fits.partner_id = namesake_accounts.partner_id
            and fits.account_id = namesake_accounts.account_id
    left join namesake_partner_accounts
        on
            fits.partner_id = namesake_partner_accounts.partner_id
            and fits.partner_account_id = namesake_partner_accounts.partner_account_id
    left join ancestors as our_ancestors
        on
            our_ancestors.side = 'ours'
            and fits.account_scope = our_ancestors.scope
            and fits.account_id = our_ancestors.account_id
            and fits.best_account_id = our_ancestors.ancestor_account_id
    left join ancestors as our_descendants
        on
            our_descendants.side = 'ours'
            and fits.account_scope = our_descendants.scope
            and fits.best_account_id = our_descendants.account_id
            and fits.account_id = our_descendants.ancestor_account_id
    left join ancestors as partner_ancestors
        on
            partner_ancestors.side = 'partner'
            and fits.partner_id = partner_ancestors.scope
            and fits.partner_account_id = partner_ancestors.account_id
            and fits.best_partner_account_id = partner_ancestors.ancestor_account_id
    left join ancestors as partner_descendants
        on
            partner_descendants.side = 'partner'
            and fits.partner_id = partner_descendants.scope
            and fits.best_partner_account_id = partner_descendants.account_id
            and fits.partner_account_id = partner_descendants.ancestor_account_id

),

-- a branch of theirs that is our branch too is no relative of our other branches, if these have another of that name:
-- `acme` of Israel, in both lists, leaves our `acme` of Italy to their `acme` of the United States
counterparts as (

    select distinct
        partner_id,
        partner_account_id

    from related
    where relationship = 'same'

),

namesakes_abroad as (

    select
        related.partner_id,
        related.account_id,
        related.partner_account_id,
        counterparts.partner_account_id is not null as is_counterpart,
        min(case when counterparts.partner_account_id is null then 0 else 1 end)
            over (partition by related.partner_id, related.account_id)
        = 0 as has_nearer_relative

    from related
    left join counterparts
        on
            related.partner_id = counterparts.partner_id
            and related.partner_account_id = counterparts.partner_account_id
    where
        related.is_namesake_abroad
        and related.relationship <> 'same'

),

decided_links as (

    select
        decided.partner_id,
        decided.account_id,
        decided.partner_account_id,
        decided.account_scope,
        decided.our_unit_id,
        decided.partner_unit_id,
        cast(decided.match_probability as decimal(5, 4)) as match_probability,
        decided.match_method,
        coalesce(
            related.relationship,
            decided.declared_relationship,
            case when decided.relationship_by_website = 'family' then decided.relationship_by_name end,
            'same'
        ) as relationship,
        case when namesakes_abroad.account_id is null then decided.decision else 'rejected' end as decision,
        case when namesakes_abroad.account_id is null then decided.decided_by else 'nearer relative' end as decided_by,
        decided.override_decision,
        decided.decided_on,
        decided.our_status_rank,
        decided.our_open_amount,
        decided.our_unit_status_rank,
        decided.our_unit_open_amount,
        decided.partner_status_rank,
        decided.partner_unit_status_rank

    from decided
    left join related
        on
            decided.partner_id = related.partner_id
            and decided.account_id = related.account_id
            and decided.partner_account_id = related.partner_account_id
    left join namesakes_abroad
        on
            decided.partner_id = namesakes_abroad.partner_id
            and decided.account_id = namesakes_abroad.account_id
            and decided.partner_account_id = namesakes_abroad.partner_account_id
            and namesakes_abroad.is_counterpart
            and namesakes_abroad.has_nearer_relative

),

final as (

    -- of the accepted links of an account and a partner the one that sets its cell in the matrix
    select
        *,
        decision = 'accepted'
        and row_number() over (
            partition by partner_id, account_id, decision
            order by
                case when relationship = 'same' then 0 else 1 end,
                partner_status_rank,
                match_probability desc,
                partner_account_id
        ) = 1 as is_primary

    from decided_links

)

select * from final
