with

accounts_with_partners as (

    select * from {{ ref('int_account_mapping__accounts_with_partners') }}

),

account_changes as (

    select * from {{ ref('int_account_mapping__account_changes') }}

),

final as (

    select
        ---------- ids
        accounts_with_partners.account_id,
        accounts_with_partners.source_relation,
        accounts_with_partners.source_account_id,
        accounts_with_partners.ultimate_parent_account_id,
        accounts_with_partners.duplicate_group_id,

        ---------- text
        accounts_with_partners.name,
        accounts_with_partners.status,
        {{ account_mapping.spreadsheet_safe('accounts_with_partners.crm_status') }} as crm_status,
        {{ account_mapping.spreadsheet_safe('accounts_with_partners.deal_stage') }} as deal_stage,
        accounts_with_partners.target_lists,
        accounts_with_partners.domains,
        accounts_with_partners.country_code,
        accounts_with_partners.country,
        {{ account_mapping.spreadsheet_safe('accounts_with_partners.owner') }} as owner,
        {{ account_mapping.spreadsheet_safe('accounts_with_partners.owner_email') }} as owner_email,
        accounts_with_partners.exclusion_reason,
        accounts_with_partners.partners,
        accounts_with_partners.best_partner_id,
        accounts_with_partners.best_play,
        {{ account_mapping.pass_through_safe('accounts_with_partners.pass_through') }} as pass_through,
        accounts_with_partners.content_hash,

        ---------- numerics
        accounts_with_partners.open_amount,
        accounts_with_partners.open_deals,
        accounts_with_partners.leads,
        accounts_with_partners.n_partners,

        ---------- dates and timestamps
        account_changes.changed_at,
        accounts_with_partners.deal_close_date,
        accounts_with_partners.last_won_on,

        ---------- flags
        accounts_with_partners.is_excluded

    from accounts_with_partners
    inner join account_changes
        on accounts_with_partners.account_id = account_changes.account_id

)

select * from final
order by account_id
