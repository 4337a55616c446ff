with

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

plays as (

    select * from {{ ref('int_account_mapping__plays') }}

),

duplicate_groups as (

    select
        node as account_id,
        group_id as duplicate_group_id

    from {{ ref('int_account_mapping__groups') }}
    where grouping_key = 'duplicates'

),

covering_partners as (

    select
        account_id,
        count(distinct partner_id) as n_partners,
        {{ account_mapping.list_text('partner_id') }} as partners

    from links
    group by account_id

),

ranked_plays as (

    select
        account_id,
        partner_id as best_partner_id,
        play as best_play,
        row_number() over (
            partition by account_id
            order by score desc, partner_id
        ) as preference

    from plays

),

joined as (

    select
        ---------- ids
        accounts.account_id,
        accounts.source_relation,
        accounts.source_account_id,
        accounts.ultimate_parent_account_id,
        duplicate_groups.duplicate_group_id,

        ---------- text
        accounts.name,
        accounts.status,
        accounts.crm_status,
        accounts.deal_stage,
        accounts.target_lists,
        accounts.domains,
        accounts.country_code,
        accounts.country,
        accounts.owner,
        accounts.owner_email,
        accounts.exclusion_reason,
        covering_partners.partners,
        ranked_plays.best_partner_id,
        ranked_plays.best_play,
        accounts.pass_through,
        accounts.content_hash,

        ---------- numerics
        accounts.open_amount,
        accounts.open_deals,
        accounts.leads,
        cast(coalesce(covering_partners.n_partners, 0) as bigint) as n_partners,

        ---------- dates and timestamps
        accounts.deal_close_date,
        accounts.last_won_on,

        ---------- flags
        accounts.is_excluded

    from accounts
    left join duplicate_groups
        on accounts.account_id = duplicate_groups.account_id
    left join covering_partners
        on accounts.account_id = covering_partners.account_id
    left join ranked_plays
        on
            accounts.account_id = ranked_plays.account_id
            and ranked_plays.preference = 1

),

final as (

    select
        *,
        {{ account_mapping.content_hash([
            'content_hash', 'country', 'duplicate_group_id', 'n_partners', 'partners', 'best_partner_id', 'best_play',
        ] + (['leads'] if account_mapping.leads_mode() == 'evidence' else [])) }} as row_hash

    from joined

)

select * from final
